"""A transparent WebM in a page: the page's ground is seen where the story draws nothing, also while it stands still."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from samples import sample_story

from vizkit.animation.timing import cues
from vizkit.render import video

GROUND = (255, 0, 0)
SEEK = """at => new Promise(done => {
    const film = document.querySelector('video');
    film.onseeked = () => requestAnimationFrame(() => setTimeout(done, 300));
    film.currentTime = at;
})"""


@pytest.mark.slow
def test_the_ground_of_the_page_is_seen(browser: object, tmp_path: Path) -> None:
    story = sample_story()
    video(story, tmp_path / "a.webm", "ql", transparent=True, jobs=1, cache=False)
    style = f"margin:0;background:rgb{GROUND}"
    (tmp_path / "a.html").write_text(f'<body style="{style}"><video muted src="a.webm"></video></body>')
    page = browser.new_page(viewport={"width": 854, "height": 480})
    page.goto((tmp_path / "a.html").as_uri())
    page.wait_for_function("document.querySelector('video').readyState >= 2")
    for beat in cues(story):
        page.evaluate(SEEK, beat.end - 0.2)
        shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
        ground = (np.abs(shot - GROUND).max(axis=-1) < 8).mean()
        assert 0.5 < ground < 0.998, beat.name  # the rest is what is drawn, a title at least
    page.close()
