"""Recording Keras models on the TensorFlow and on the PyTorch backend.

Needs the extra ``keras``. Keras has no hooks on layers, so inside the block each layer's ``call`` is one that
also tells; on TensorFlow, functions run eagerly meanwhile. Everything is taken back after the block.
"""

from __future__ import annotations

from vizkit.adapters.keras.recording import source

__all__ = ["source"]
