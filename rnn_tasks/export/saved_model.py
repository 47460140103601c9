"""A trained model as files that are used without this package: `.keras`, and a SavedModel with endpoints."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from rnn_tasks import activity

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
        with activity.doing(f"tracing the endpoint {name}"):
            archive.add_endpoint(name, endpoint.function, input_signature=list(endpoint.signature))
    with activity.doing("writing the SavedModel"):
        archive.write_out(saved_model, verbose=False)
    return keras_model, saved_model


def load_endpoints(directory: Path) -> Any:
    """The SavedModel that `export_model` wrote into `directory`; its endpoints are its methods.

    It is loaded once and then reused, until the files in `directory` change.
    """
    saved_model = (directory / SAVED_MODEL).resolve()
    return _load(saved_model, _file_identities(saved_model))


@functools.lru_cache(maxsize=4)  # a server has one or two models; each holds its weights in memory
def _load(saved_model: Path, _: tuple[tuple[int, int], ...]) -> Any:
    with activity.doing("loading the SavedModel"):
        return tf.saved_model.load(saved_model)


def _file_identities(directory: Path) -> tuple[tuple[int, int], ...]:
    """Inode and time of change of each file; they differ whenever a directory is written again."""
    stats = [path.stat() for path in sorted(directory.rglob("*"))]
    return tuple((stat.st_ino, stat.st_mtime_ns) for stat in stats)
