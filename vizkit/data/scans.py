"""Digits and photographs that come with scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizkit.data.preparing import split
from vizkit.errors import missing_extra
from vizkit.typing import Float

__all__ = ["digits", "photographs"]


def digits(share: float = 0.2, seed: int = 0) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return the 1,797 scanned digits that come with scikit-learn, split for training and testing.

    Parameters
    ----------
    share
        Share of each digit that is held out for testing.
    seed
        Which ones.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images of shape (samples, 8, 8, 1) from 0 to 1 in float32, and class numbers of shape (samples,).

    Raises
    ------
    MissingExtraError
        When scikit-learn is not installed.

    Notes
    -----
    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI (1998), the test set.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise missing_extra("scikit-learn", "data") from error
    scans = load_digits()
    images = (scans.images[..., None] / 16).astype(np.float32)
    return split(images, scans.target.astype(np.int64), share=share, seed=seed, stratify=True)


def photographs() -> Float["samples height width 3"]:
    """Return two colour photographs, a Chinese temple and a dahlia, for convolution.

    Returns
    -------
    array of shape (2, 427, 640, 3)
        Red, green and blue from 0 to 1 in float32.

    Raises
    ------
    MissingExtraError
        When scikit-learn or Pillow is not installed.

    Notes
    -----
    Both are under the Creative Commons Attribution 2.0 licence: the temple by danielbuechele, the flower by
    vultilion, as ``datasets/images/README.txt`` of scikit-learn says.
    """
    try:
        from sklearn.datasets import load_sample_images

        scans = load_sample_images()
    except ImportError as error:
        raise missing_extra("scikit-learn with Pillow", "data") from error
    return (np.stack(scans.images) / 255).astype(np.float32)
