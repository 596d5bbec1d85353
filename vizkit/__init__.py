"""vizkit: neural networks explained with their own numbers.

``import vizkit`` loads nothing heavy: every name below is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# name -> module that holds it; a module stands for itself
_LAZY = {
    "Keep": "vizkit.trace",
    "Trace": "vizkit.trace",
    "animation": "vizkit.animation",
    "autodiff": "vizkit.autodiff",
    "errors": "vizkit.errors",
    "exhibits": "vizkit.exhibits",
    "load": "vizkit.trace",
    "nn": "vizkit.nn",
    "plots": "vizkit.plots",
    "record": "vizkit.trace",
    "render": "vizkit.render",
    "stories": "vizkit.stories",
    "theme": "vizkit.theme",
    "trace": "vizkit.trace",
    "views": "vizkit.views",
    "web": "vizkit.web",
}

__all__ = sorted(_LAZY)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'vizkit' has no attribute {name!r}; it has: {', '.join(__all__)}")
    module = importlib.import_module(_LAZY[name])
    value = module if _LAZY[name] == f"vizkit.{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
