"""The attention decoder with input feeding in C++: see `native/attention.h`."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from rnn_tasks.layers.kernels.native import threads
from rnn_tasks.layers.kernels.operation import Operation, register, run_operation
from rnn_tasks.layers.kernels.plain_attention import decode_plainly


class Decoded(NamedTuple):
    """The results of the decoder.

    Attributes:
        vectors: (batch, time, vector units), the attention vector of every step.
        h, c: final states of the LSTM, each (batch, units).
        vector, alignment: final states of the attention, (batch, vector units) and (batch, memory time).
    """

    vectors: tf.Tensor
    h: tf.Tensor
    c: tf.Tensor
    vector: tf.Tensor
    alignment: tf.Tensor


def decode_natively(
    inputs: tf.Tensor,
    states: tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
    keys: tf.Tensor,
    values: tf.Tensor,
    vector_kernel: tf.Tensor,
    tanh: bool,
    seen: tf.Tensor | None = None,
    mask: tf.Tensor | None = None,
    bfloat16: bool = False,
    query_kernel: tf.Tensor | None = None,
    scale: tf.Tensor | None = None,
) -> Decoded:
    """Unroll an LSTM that reads [input; attention vector of the step before], on float32 tensors.

    The scores of the LSTM's output h are h · key (Luong) or, with a query kernel, scale · tanh(h query_kernel + key)
    (Bahdanau). The attention vector is [output; context] W, or its tanh.

    Args:
        inputs: (batch, time, features).
        states: h and c (batch, units), attention vector (batch, vector units), alignment (batch, memory time).
        kernel: (features + vector units, 4 · units).
        recurrent_kernel: (units, 4 · units).
        bias: (4 · units,).
        keys: (batch, memory time, units), already scaled where scores are scaled; with a query kernel (…, key units),
            with any bias inside the tanh already added.
        values: (batch, memory time, memory units).
        vector_kernel: (units + memory units, vector units).
        tanh: the attention vector's activation; False is none.
        seen: (batch, memory time) bool, True where there is memory; None for all True.
        mask: (batch, time) bool; where False, the states pass through unchanged. None for all True.
        bfloat16: round the tensors that the kernels multiply to bfloat16.
        query_kernel: (units, key units), or None.
        scale: (key units,), with a query kernel.

    Returns:
        The attention vectors (where the mask is False, the vector of the step before) and the final states.
    """
    attributes = {"cell": "lstm", "threads": threads(), "rounded": bfloat16, "tanh": tanh}
    absent = tf.zeros((0,))
    keep, there = (absent if given is None else tf.cast(given, tf.float32) for given in (mask, seen))
    query_kernel, scale = (absent if given is None else given for given in (query_kernel, scale))
    # The kernel's part for the attention vector goes above the part for the output: one product serves both.
    kernel, feeding = tf.split(kernel, [inputs.shape[2], vector_kernel.shape[1]], axis=0)
    fed_kernel = tf.concat([feeding, recurrent_kernel], axis=0)
    h0, c0, vector0, alignment0 = states
    recurrence = inputs, kernel, fed_kernel, bias, absent, absent, keep, absent, h0, c0
    memory = keys, values, there, vector_kernel, vector0, alignment0, query_kernel, scale
    vectors, *final = run_operation(ATTENTION, attributes, (*recurrence, *memory))
    vectors = tf.ensure_shape(vectors, (*inputs.shape[:2], vector_kernel.shape[1]))
    return Decoded(vectors, *(tf.ensure_shape(new, old.shape) for new, old in zip(final, states, strict=True)))


ATTENTION = Operation(
    "RnnTasksAttention",
    "rnn_tasks_attention",
    inputs=18,
    kept=6,
    sources=(0, 1, 2, 3, 5, 8, 9, 10, 11, 13, 14, 15, 16, 17),
    attributes=("cell", "threads", "rounded", "tanh"),
    plainly=lambda attributes, given: decode_plainly(attributes["tanh"], *given),
)
register(ATTENTION)
