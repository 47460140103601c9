"""A check that an export gives the same answers as the trained model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def check_same_answers(
    ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], tolerance: float = 1e-5
) -> None:
    """Compare numbers by name; texts are not compared, since they follow from the numbers.

    Args:
        ours: of the trained model.
        theirs: of its export.
        tolerance: allowed difference, absolute below 1 and relative above.

    Raises:
        RuntimeError: a number differs, or answers are missing.
    """
    for name, expected in ours.items():
        if expected.dtype.kind != "f":
            continue
        found = np.asarray(theirs[name])
        if found.shape != expected.shape:
            raise RuntimeError(f"the export gives {name} of shape {found.shape}, the model {expected.shape}")
        worst = float(np.max(np.abs(found - expected) / np.maximum(np.abs(expected), 1), initial=0))
        if not worst <= tolerance:
            raise RuntimeError(f"the export's {name} is off by up to {worst:.2g}")
