"""A trained model as files that are used without this package: `.keras`, and a SavedModel with endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

KERAS_MODEL = "model.keras"
SAVED_MODEL = "saved_model"


class Endpoint(NamedTuple):
    """A function of tensors that a SavedModel offers by name; it may hold tokenisers, tables and decoding.

    Attributes:
        function: traced once, without autograph unless it is a tf.function.
        signature: a tf.TensorSpec for each argument.
    """

    function: Callable[..., Any]
    signature: Sequence[tf.TensorSpec]


def export_model(
    model: keras.Model, endpoints: Mapping[str, Endpoint], directory: Path, resources: Sequence[Any] = ()
) -> tuple[Path, Path]:
    """Write `model.keras` and `saved_model/` into `directory`.

    Args:
        model: a built model; it loads again without custom_objects when its layers are registered.
        endpoints: name -> what `tf.saved_model.load(directory / "saved_model").<name>(...)` computes. The first is
            the default of servers.
        directory: where to; made when absent.
        resources: lookup tables and tokenisers that the endpoints use (variables are found by themselves).

    Returns:
        The `.keras` file and the SavedModel's directory.
    """
    directory.mkdir(parents=True, exist_ok=True)
    keras_model, saved_model = directory / KERAS_MODEL, directory / SAVED_MODEL
    model.save(keras_model)
    archive = keras.export.ExportArchive()
    archive.track(model)
    for resource in resources:
        archive.track(resource)
    for name, endpoint in endpoints.items():
        archive.add_endpoint(name, endpoint.function, input_signature=list(endpoint.signature))
    archive.write_out(saved_model, verbose=False)
    return keras_model, saved_model


def load_endpoints(directory: Path) -> Any:
    """The SavedModel that `export_model` wrote into `directory`; its endpoints are its methods."""
    return tf.saved_model.load(directory / SAVED_MODEL)
