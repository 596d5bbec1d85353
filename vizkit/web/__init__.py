"""Stories as web pages and the gallery as a site.

`story_page` gives a story as one self-contained HTML file, `save` writes it, `svg` draws one
view. The gallery's pages are in `vizkit.web.site`; `vizkit.web.read` reads a page's numbers back.
"""

from __future__ import annotations

from vizkit.web.files import save
from vizkit.web.page import story_page
from vizkit.web.svg import svg

__all__ = ["save", "story_page", "svg"]
