"""Recording vizkit's own models, as those of any other framework.

A model in training asks its recording, when it has one, for a tape that listens; the network itself knows nothing
of traces. It is loaded only by who records.
"""

from __future__ import annotations

from vizkit.adapters.vizkit.recording import source

__all__ = ["source"]
