"""What a saved model is made of is found as soon as this package has been imported.

A `.keras` file names classes such as "rnn_tasks>LSTM", and Keras finds those whose modules have been imported. Ours are
imported when they are first used, so that a command line answers at once: until then a proxy stands for each class,
and imports it when Keras asks it for an object.
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
        for name in importlib.import_module(package).__all__:  # the stub's names: nothing behind them is imported
            if name[0].isupper():
                registered.setdefault(f"rnn_tasks>{name}", wrapt.lazy_import(package, name))
