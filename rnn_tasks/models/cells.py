"""The recurrent layers that a model's config chooses from, by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from rnn_tasks.choices import KernelInitializer, RecurrentInitializer, SequenceCell
from rnn_tasks.layers import GRU, LSTM, RNN, BasicRNNCell, GRUCell, IRNNCell, LSTMCell, PeepholeLSTMCell, SimpleRNN

RECURRENT: dict[str, type[keras.layers.RNN]] = {"lstm": LSTM, "gru": GRU, "simple_rnn": SimpleRNN}
CELLS: dict[str, type[keras.layers.Layer]] = {"lstm": LSTMCell, "gru": GRUCell, "simple_rnn": BasicRNNCell}
ONLY_CELLS: dict[str, type[keras.layers.Layer]] = {"peephole_lstm": PeepholeLSTMCell, "irnn": IRNNCell}
"""Cells without a layer of their own."""


def recurrent_layer(
    cell: SequenceCell, units: int, *, return_sequences: bool, name: str, return_state: bool = False, **options: Any
) -> keras.layers.RNN:
    """A recurrent layer; `options` are arguments of its cell (initializers, recurrent dropout, a seed)."""
    returned = {"return_sequences": return_sequences, "return_state": return_state}
    if cell in RECURRENT:
        return RECURRENT[cell](units, name=name, **returned, **options)
    if cell == "peephole_lstm":  # by default, all three peepholes are drawn like the kernel, from the same seed
        options["peephole_initializer"] = "zeros"
    return RNN(ONLY_CELLS[cell](units, **options), name=name, **returned)


def initializers(
    cell: SequenceCell, kernel: KernelInitializer, recurrent: RecurrentInitializer, seeds: Iterator[int]
) -> dict[str, keras.initializers.Initializer]:
    """The initializers that a cell takes, as its arguments.

    Args:
        cell: decides what "default" means: `glorot_uniform` and `orthogonal`. For an IRNN it means those of the paper:
            a normal distribution with a standard deviation of 0.001, and the identity, which cannot be changed.
        kernel: of the input weights.
        recurrent: of the recurrent weights.
        seeds: two of them are used.

    Raises:
        ValueError: recurrent weights of an IRNN that are not the identity.
    """
    kernel_seed, recurrent_seed = next(seeds), next(seeds)
    if cell == "irnn":
        if recurrent != "default":
            raise ValueError(f"recurrent_initializer: an IRNN starts with the identity; found {recurrent!r}")
        normal = keras.initializers.RandomNormal(stddev=0.001, seed=kernel_seed)
        return {"kernel_initializer": normal if kernel == "default" else _KERNEL[kernel](seed=kernel_seed)}
    return {
        "kernel_initializer": _KERNEL[kernel](seed=kernel_seed),
        "recurrent_initializer": _RECURRENT[recurrent](seed=recurrent_seed),
    }


_GLOROT, _HE, _ORTHOGONAL = keras.initializers.GlorotUniform, keras.initializers.HeNormal, keras.initializers.Orthogonal
_KERNEL = {"default": _GLOROT, "glorot_uniform": _GLOROT, "he_normal": _HE}
_RECURRENT = {"default": _ORTHOGONAL, "orthogonal": _ORTHOGONAL, "he_normal": _HE}
