"""``python -m vizkit`` is the command line."""

from __future__ import annotations

import sys

from vizkit.cli import main

if __name__ == "__main__":  # the gallery's processes import this module as well
    sys.exit(main())
