"""Stories as web pages and the gallery as a site."""

from __future__ import annotations

from vizkit.web.page import story_page
from vizkit.web.svg import svg

__all__ = ["story_page", "svg"]
