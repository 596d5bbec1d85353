"""Recording PyTorch models by their public hooks.

Needs the extra ``torch``. Hooks before and after each module's forward, hooks on the tensors between the
modules and before the gradients of parameters are added up, and the hooks around an optimizer's step tell
what happens. They are taken away after the block, so nothing is left on the model.
"""

from __future__ import annotations

from vizkit.adapters.torch.recording import source

__all__ = ["source"]
