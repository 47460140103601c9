"""What this machine gives recurrent layers: the processor, the compiled kernels, and what each layer runs on."""

from __future__ import annotations

import os
import platform
from typing import Any

import keras
import tensorflow as tf
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rnn_tasks import layers
from rnn_tasks.layers.kernels.build import library

SEQUENCE, UNITS = (None, 8), 256  # (time, features)


def report() -> None:
    """Print the machine, and a table of what each recurrent layer and cell runs on, with the reasons below."""
    console = Console()
    gpus = [device.name for device in tf.config.list_physical_devices("GPU")]
    native = library()
    lines = {
        "versions": f"python {platform.python_version()}, tensorflow {tf.__version__}, keras {keras.__version__}",
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "gpus": ", ".join(gpus) or "none",
        "native kernels": f"compiled, {native.path}" if native.reason is None else f"none: {native.reason}",
    }
    for name, value in lines.items():
        console.print(f"[bold]{name:16}[/]{value}", highlight=False, soft_wrap=True)
    notes: dict[str, int] = {}

    def shown(use: layers.KernelUse) -> str:
        return use.kernel if use.reason is None else f"{use.kernel} [{notes.setdefault(use.reason, len(notes) + 1)}]"

    table = Table("layer", "in training", "in a graph for inference")
    for name, layer in examples().items():
        uses = (layers.kernel_report(layer, training)[0] for training in (True, False))
        table.add_row(name, *(Text(shown(use)) for use in uses))
    console.print(table)
    for reason, number in notes.items():
        console.print(f"[{number}] {reason}", markup=False, highlight=False, soft_wrap=True)


def examples() -> dict[str, Any]:
    """A built layer of each kind, as its defaults make it."""
    found: dict[str, Any] = {
        "LSTM": layers.LSTM(UNITS),
        "LSTM(recurrent_dropout=0.2)": layers.LSTM(UNITS, recurrent_dropout=0.2),
        "LSTM(dtype='mixed_bfloat16')": layers.LSTM(UNITS, dtype="mixed_bfloat16"),
        "GRU": layers.GRU(UNITS),
        "GRU(reset_after=False)": layers.GRU(UNITS, reset_after=False),
        "SimpleRNN": layers.SimpleRNN(UNITS),
    }
    for cell in ("BasicRNNCell", "LSTMCell", "PeepholeLSTMCell", "GRUCell", "LayerNormLSTMCell", "IRNNCell"):
        found[f"RNN({cell})"] = layers.RNN(getattr(layers, cell)(UNITS))
    found["keras.layers.LSTM"] = keras.layers.LSTM(UNITS)
    for layer in found.values():
        layer.build((None, *SEQUENCE))
    return found
