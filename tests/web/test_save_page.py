"""Writing a page: whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import sample_story

from vizkit import web
from vizkit.errors import ArgumentError, OutputError


def test_the_file_holds_the_page(tmp_path: Path) -> None:
    path = tmp_path / "story.html"
    assert web.save(sample_story(), str(path)) == path
    assert path.read_text(encoding="utf-8") == web.story_page(sample_story())
    assert [found.name for found in tmp_path.iterdir()] == ["story.html"]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"\.html, but .*story\.pdf"):
        web.save(sample_story(), tmp_path / "story.pdf")


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"none.*cannot be written|cannot be written.*none"):
        web.save(sample_story(), tmp_path / "none" / "story.html")


def test_what_was_there_stays_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "story.html"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vizkit.web.files.os.replace", full)
    with pytest.raises(OutputError, match="No space left"):
        web.save(sample_story(), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
