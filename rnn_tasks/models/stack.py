"""The common parts of models that read one sequence: its input, and a stack of recurrent layers over it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from rnn_tasks.choices import KernelInitializer, Pooling, RecurrentInitializer, SequenceCell
from rnn_tasks.layers import AttentionPooling, SequenceMask
from rnn_tasks.models.cells import initializers, recurrent_layer


def seeds_of(seed: int) -> Iterator[int]:
    """A different seed for each random part of a model, so that no part repeats another's numbers."""
    return (int(np.random.SeedSequence(seed).generate_state(count)[-1]) for count in itertools.count(1))


class SequenceInput(NamedTuple):
    """The input of a stack.

    Attributes:
        inputs: the model's inputs, as `keras.Model` takes them.
        hidden: (batch, time, features).
        mask: (batch, time) bool, or None if Keras carries it with `hidden`.
    """

    inputs: keras.KerasTensor | dict[str, keras.KerasTensor]
    hidden: keras.KerasTensor
    mask: keras.KerasTensor | None


def sequence_input(
    vocabulary_size: int, features: int, time: int | None, embedding_dim: int, seed: int
) -> SequenceInput:
    """Ids (batch, time), padded with 0; or feature vectors with their lengths, padded with anything.

    Args:
        vocabulary_size: number of ids, the padding id 0 included; 0 for feature vectors.
        features: length of a feature vector; 0 for ids.
        time: steps of every sequence of features, which then needs no lengths; None if sequences differ in length.
        embedding_dim: length of an id's vector.
        seed: of the ids' vectors.

    Raises:
        ValueError: not exactly one of `vocabulary_size` and `features` is given.
    """
    if (vocabulary_size > 0) == (features > 0):
        raise ValueError(f"one of vocabulary_size and features is wanted; found {vocabulary_size} and {features}")
    if vocabulary_size:
        ids = keras.Input((None,), dtype="int32", name="ids")
        embedding = keras.layers.Embedding(
            vocabulary_size,
            embedding_dim,
            # Keras' own ±0.05 is so small that symbols would hardly change the gates at first.
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.5, seed=seed),
            mask_zero=True,
            name="embedding",
        )
        return SequenceInput(ids, embedding(ids), None)
    vectors = keras.Input((time, features), dtype="float32", name="inputs")
    if time is not None:
        return SequenceInput({"inputs": vectors}, vectors, None)
    lengths = keras.Input((), dtype="int32", name="lengths")
    return SequenceInput({"inputs": vectors, "lengths": lengths}, vectors, SequenceMask()(vectors, lengths))


def recurrent_stack(
    hidden: keras.KerasTensor,
    mask: keras.KerasTensor | None,
    seeds: Iterator[int],
    *,
    units: int,
    layers: int,
    cell: SequenceCell,
    kernel_initializer: KernelInitializer,
    recurrent_initializer: RecurrentInitializer,
    dropout: float,
    recurrent_dropout: float,
    memory: int,
    forget_bias: float,
    pooling: Pooling,
    outputs: int,
    steps: bool,
) -> keras.KerasTensor:
    """Recurrent layers and a projection over (batch, time, features); arguments as in `sequence_model`.

    Returns:
        (batch, time, outputs) with `steps`, else (batch, outputs), float32.
    """
    masked = {} if mask is None else {"mask": mask}

    def dropped(hidden: keras.KerasTensor) -> keras.KerasTensor:
        drop_seed = next(seeds)  # taken even if unused: the initial weights must not depend on the rate
        return keras.layers.Dropout(dropout, seed=drop_seed)(hidden) if dropout else hidden

    for layer in range(layers):
        started = initializers(cell, kernel_initializer, recurrent_initializer, seeds)
        drawn = dropped(hidden)
        gate_seed = next(seeds)
        options: dict[str, Any] = (
            {"recurrent_dropout": recurrent_dropout, "seed": gate_seed} if recurrent_dropout else {}
        )
        recurrent = recurrent_layer(
            cell,
            units,
            return_sequences=steps or pooling != "last" or layer < layers - 1,
            name=f"{cell}_{layer + 1}",
            **started,
            **options,
        )
        hidden = recurrent(drawn, **masked)  # (batch, time, units), or (batch, units) without sequences
        if memory:
            remember(recurrent.cell, memory, gate_seed)
        elif forget_bias != 1.0:
            open_forget_gate(recurrent.cell, forget_bias)
    if not steps and pooling == "mean":
        hidden = keras.layers.GlobalAveragePooling1D(name="mean")(hidden, **masked)  # (batch, units)
    elif not steps and pooling == "attention":
        started = {
            "kernel_initializer": keras.initializers.GlorotUniform(seed=next(seeds)),
            "score_initializer": keras.initializers.GlorotUniform(seed=next(seeds)),
        }
        hidden = AttentionPooling(units, **started, name="attention")(hidden, **masked)  # (batch, units)
    return keras.layers.Dense(
        outputs,
        kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
        dtype="float32",  # whatever the precision of the other layers: losses and probabilities need all digits
        name="logits",
    )(dropped(hidden))


def open_forget_gate(cell: keras.layers.Layer, bias: float) -> None:
    """Set the initial bias of an LSTM's forget gate, which is 1 in Keras."""
    if isinstance(cell, keras.layers.LSTMCell):
        start = cell.bias.numpy()
        start[cell.units : 2 * cell.units] = bias
        cell.bias.assign(start)


def remember(cell: keras.layers.Layer, memory: int, seed: int) -> None:
    """Set gate biases so that units forget over 2 to `memory` steps (a simple_rnn has no gates to set)."""
    # A gate of sigmoid(log(scale - 1)) = 1 - 1 / scale keeps a state for about `scale` steps.
    gates = np.log(np.random.default_rng(seed).uniform(1, max(memory - 1, 1), cell.units))
    bias = cell.bias.numpy()
    if isinstance(cell, keras.layers.LSTMCell):  # (4 * units,): input, forget, candidate, output gates
        bias[: 2 * cell.units] = np.concatenate([-gates, gates])
    elif isinstance(cell, keras.layers.GRUCell):  # (2, 3 * units): update gate (1 keeps all), reset gate, candidate
        bias[0, : cell.units] = gates
    cell.bias.assign(bias)
