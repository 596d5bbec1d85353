"""``--cluster``: the same files as without, and clear words where there is no cluster."""

from __future__ import annotations

import pytest
from samples import sample_story

from vizkit.cli import main
from vizkit.cli.clusters import joined
from vizkit.cli.works import VIDEO, write_story

pytest.importorskip("distributed")


@pytest.mark.slow
def test_the_gallerys_videos_are_those_that_this_computer_makes(tmp_path, monkeypatch):
    with joined("local", 2) as cluster:
        made = tmp_path / "cluster"
        made.mkdir()
        monkeypatch.setenv("VIZKIT_CACHE", str(tmp_path / "one"))
        write_story(sample_story(), made, "ql", lambda share: None, cluster.contact)
    alone = tmp_path / "alone"
    alone.mkdir()
    monkeypatch.setenv("VIZKIT_CACHE", str(tmp_path / "two"))
    write_story(sample_story(), alone, "ql", lambda share: None)
    for name in VIDEO:
        assert (made / name).read_bytes() == (alone / name).read_bytes()


def test_where_there_is_no_cluster_one_line_says_so(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["render", "convolution", "--cluster", "tcp://127.0.0.1:9", "--jobs", "2"]) == 2
    assert "a cluster has as many workers as joined it" in capsys.readouterr().err
    assert main(["gallery", "--cluster", "nowhere at all", "--chapters", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    for slip in ("lokal", "http://127.0.0.1:8786"):
        assert main(["render", "convolution", "--cluster", slip]) == 2
        told = capsys.readouterr().err
        assert f"'local'; '{slip}' was given" in told and len(told.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
