"""Sequence to vector: read a whole sequence, answer once."""

from __future__ import annotations

import keras
import numpy as np

from rnn_tasks.models.cells import RECURRENT, Cell


def sequence_to_vector(
    vocabulary_size: int,
    *,
    outputs: int,
    units: int,
    layers: int = 1,
    cell: Cell = "lstm",
    embedding_dim: int = 16,
    dropout: float = 0.0,
    memory: int = 0,
    seed: int = 1,
) -> keras.Model:
    """Embedding, a stack of recurrent layers, and a projection of the last state.

    Right padding (id 0) is masked: a sequence's logits are the same alone as in any batch.

    Args:
        vocabulary_size: number of ids, the padding id 0 included.
        outputs: logits a sequence.
        units: of each recurrent layer.
        layers: recurrent layers, each reading the one before.
        cell: "lstm", "gru" or "simple_rnn".
        embedding_dim: length of a symbol's vector.
        dropout: share of the non-recurrent connections dropped in training (Zaremba et al. 2014).
        memory: steps over which units remember at first: each unit's time scale is drawn between 2 and this (Tallec &
            Ollivier 2018). 0 leaves the gates as Keras starts them, which forget within some five steps.
        seed: of the initial weights and of dropout.

    Returns:
        A model from ids (batch, time) int32 to logits (batch, outputs).

    References:
        Zaremba, Sutskever & Vinyals (2014), Recurrent Neural Network Regularization.
        Tallec & Ollivier (2018), Can Recurrent Neural Networks Warp Time?
    """
    # One seed for each random thing, so that none repeats another's numbers.
    seeds = iter(np.random.SeedSequence(seed).generate_state(4 * layers + 3).tolist())

    def dropped(hidden: keras.KerasTensor) -> keras.KerasTensor:
        drop_seed = next(seeds)  # drawn in any case: the initial weights must not depend on the rate
        return keras.layers.Dropout(dropout, seed=drop_seed)(hidden) if dropout else hidden

    ids = keras.Input((None,), dtype="int32", name="ids")
    hidden = keras.layers.Embedding(
        vocabulary_size,
        embedding_dim,
        # Keras' own ±0.05 would first have to grow for the gates to see symbols at all.
        embeddings_initializer=keras.initializers.RandomNormal(stddev=0.5, seed=next(seeds)),
        mask_zero=True,
        name="embedding",
    )(ids)  # (batch, time, embedding_dim)
    for layer in range(layers):
        recurrent = RECURRENT[cell](
            units,
            kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
            recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds)),
            return_sequences=layer < layers - 1,
            name=f"{cell}_{layer + 1}",
        )
        hidden = recurrent(dropped(hidden))  # (batch, time, units), the last layer (batch, units)
        gate_seed = next(seeds)
        if memory:
            _remember(recurrent.cell, memory, gate_seed)
    logits = keras.layers.Dense(
        outputs,
        kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
        dtype="float32",  # whatever the precision of the rest: losses and probabilities want all digits
        name="logits",
    )(dropped(hidden))  # (batch, outputs)
    return keras.Model(ids, logits, name="sequence_to_vector")


def _remember(cell: keras.layers.Layer, memory: int, seed: int) -> None:
    """Set gate biases so that units forget over 2 to `memory` steps (a simple_rnn has no gates to set)."""
    # A gate of sigmoid(log(scale - 1)) = 1 - 1 / scale keeps a state for about `scale` steps.
    gates = np.log(np.random.default_rng(seed).uniform(1, max(memory - 1, 1), cell.units))
    bias = cell.bias.numpy()
    if isinstance(cell, keras.layers.LSTMCell):  # (4 * units,): input, forget, candidate, output gates
        bias[: 2 * cell.units] = np.concatenate([-gates, gates])
    elif isinstance(cell, keras.layers.GRUCell):  # (2, 3 * units): update gate (1 keeps all), reset gate, candidate
        bias[0, : cell.units] = gates
    cell.bias.assign(bias)
