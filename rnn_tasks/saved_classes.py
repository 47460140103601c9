"""After this package is imported, Keras finds all classes that a saved model may contain.

A `.keras` file names classes such as "rnn_tasks>LSTM", and Keras finds only classes whose modules are imported. Our
modules are imported when they are first used, so that the command line starts fast. Until then, a proxy stands for each
class and imports it when Keras asks for an object.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import wrapt

PACKAGES = ("rnn_tasks.layers", "rnn_tasks.models", "rnn_tasks.media")


def offer(keras: ModuleType) -> None:
    """Add to Keras' registered classes those of `PACKAGES` that are not imported yet."""
    registered = keras.saving.get_custom_objects()
    for package in PACKAGES:
        for name in importlib.import_module(package).__all__:  # from the stub, without any import
            if name[0].isupper():
                registered.setdefault(f"rnn_tasks>{name}", wrapt.lazy_import(package, name))
