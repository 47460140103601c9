"""Weights and training state as single files that are whole or absent, so that a kill at any moment is harmless."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.files import write_whole


def save_weights(model: keras.Model, path: Path) -> Path:
    """Write a model's weights as one `.npz`."""
    return _write(path, model.weights, {})


def load_weights(model: keras.Model, path: Path) -> keras.Model:
    """Read what `save_weights` wrote into a model built the same way.

    Raises:
        ValueError: the weights do not fit; the message names the first weight that differs.
    """
    _read(path, model.weights)
    return model


def save_checkpoint(path: Path, variables: Sequence[keras.Variable], state: dict) -> Path:
    """Write everything that the next update depends on: weights, random states, optimizer slots, loop state."""
    return _write(path, variables, state)


def restore_checkpoint(path: Path, variables: Sequence[keras.Variable]) -> dict | None:
    """Restore the variables that `save_checkpoint` wrote and return the loop state; None if there is no checkpoint.

    Raises:
        UserError: another program, or another version of it, wrote the file.
    """
    if not path.exists():
        return None
    try:
        return _read(path, variables)
    except ValueError as error:
        raise UserError(
            f"{error}: a training that was begun by another version cannot go on; start it with --fresh"
        ) from error


def _write(path: Path, variables: Sequence[keras.Variable], state: dict[str, Any]) -> Path:
    # np.savez is uncompressed: a checkpoint costs milliseconds, not seconds.
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {f"{i:05d}": np.asarray(variable) for i, variable in enumerate(variables)}
    np.savez(buffer, state=np.frombuffer(json.dumps(state).encode(), np.uint8), **arrays)
    return write_whole(path, buffer.getvalue())


def _read(path: Path, variables: Sequence[keras.Variable]) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: not a checkpoint ({error})") from error
    state = json.loads(arrays.pop("state").tobytes().decode())
    if len(arrays) != len(variables):
        raise ValueError(f"{path}: holds {len(arrays)} variables, the model has {len(variables)}")
    for name, variable in zip(sorted(arrays), variables, strict=True):
        if arrays[name].shape != tuple(variable.shape):
            raise ValueError(f"{path}: {variable.path} has shape {tuple(variable.shape)}, found {arrays[name].shape}")
        array = arrays[name]
        if array.dtype.kind == "V":  # for bfloat16, .npz keeps the bytes, but not the name of the type
            array = array.view(np.asarray(variable).dtype)
        variable.assign(array)
    return state
