"""One step of a language model, for loops of many steps: values that do not change are computed before the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from rnn_tasks.layers import LSTM
from rnn_tasks.models.language_model import LanguageModel

_TABLE = 4096  # the largest vocabulary whose input projections in the first layer are tabulated

Step = Callable[[Any, Any], tuple[Any, Any]]
"""Inputs (ids in the first layer) and states -> outputs and states."""


def fast_step(model: LanguageModel) -> Step:
    """A faster `model.step`; make it where the loop is built, because it holds the weights of that moment.

    Reading the weights takes most of the time of a single text's step. LSTM weights are read in two halves, which two
    cores can do at the same time. For a small vocabulary, input projections are looked up instead of computed.
    """
    steps: list[Step] = []
    for number, layer in enumerate(model.recurrent):
        if isinstance(layer, LSTM) and layer.compute_dtype == "float32" and layer.cell.bias is not None:
            steps.append(_lstm_step(layer.cell, model.embedding.embeddings if number == 0 else None))
        else:
            steps.append(_cell_step(layer.cell, model.embedding if number == 0 else tf.identity))
    kernel, bias = tf.convert_to_tensor(model.output_kernel), model.possible_bias

    def step(ids: tf.Tensor, states: Any) -> tuple[tf.Tensor, Any]:
        given, after = ids, []
        for one, before in zip(steps, states, strict=True):
            given, state = one(given, before)
            after.append(state)
        hidden = given if model.bridge is None else model.bridge(given)
        return tf.cast(tf.matmul(hidden, tf.cast(kernel, hidden.dtype), transpose_b=True), tf.float32) + bias, after

    return step


def _cell_step(cell: Any, before: Callable[[Any], Any]) -> Step:
    def step(given: Any, states: Any) -> tuple[Any, Any]:
        output, after = cell(before(given), states, training=False)
        return output, list(after) if isinstance(after, (list, tuple)) else [after]

    return step


def _lstm_step(cell: Any, vectors: Any = None) -> Step:
    """The step of a Keras LSTM cell; if `vectors` (vocabulary, features) are given, its inputs are ids."""
    kernels = tf.split(tf.convert_to_tensor(cell.kernel), 2, axis=1)
    recurrents = tf.split(tf.convert_to_tensor(cell.recurrent_kernel), 2, axis=1)
    biases = tf.split(tf.convert_to_tensor(cell.bias), 2)
    tables: list[Any] = []
    if vectors is not None and vectors.shape[0] <= _TABLE:
        vectors = tf.convert_to_tensor(vectors)
        tables = [tf.matmul(vectors, kernel) + bias for kernel, bias in zip(kernels, biases, strict=True)]
    elif vectors is None:  # inputs and state are concatenated, so that one matrix is read
        joined = [tf.concat(pair, axis=0) for pair in zip(kernels, recurrents, strict=True)]

    def sums(given: Any, state: Any) -> list[Any]:
        if tables:
            projected = [tf.gather(table, given) for table in tables]
            return [z + tf.matmul(state, kernel) for z, kernel in zip(projected, recurrents, strict=True)]
        if vectors is None:
            both = tf.concat([given, state], axis=1)
            return [tf.matmul(both, kernel) + bias for kernel, bias in zip(joined, biases, strict=True)]
        looked_up = tf.gather(vectors, given)
        parts = zip(kernels, recurrents, biases, strict=True)
        return [tf.matmul(looked_up, kernel) + tf.matmul(state, again) + bias for kernel, again, bias in parts]

    def step(given: Any, states: Any) -> tuple[Any, Any]:
        state, memory = states
        first, second = sums(given, state)  # each (texts, 2 · units)
        take, keep = tf.split(tf.sigmoid(first), 2, axis=1)
        candidate, shown = tf.split(second, 2, axis=1)
        memory = keep * memory + take * tf.tanh(candidate)
        state = tf.sigmoid(shown) * tf.tanh(memory)
        return state, [state, memory]

    return step
