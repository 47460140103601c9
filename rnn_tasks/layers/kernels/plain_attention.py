"""The attention decoder in TensorFlow's operations, only for the derivative of the native decoder's gradient."""

from __future__ import annotations

import tensorflow as tf

from rnn_tasks.layers.kernels.plain import absent, lstm_gates, scan_masked


def decode_plainly(
    tanh: bool,
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    fed_kernel: tf.Tensor,
    bias: tf.Tensor,
    recurrent_bias: tf.Tensor,
    peepholes: tf.Tensor,
    keep: tf.Tensor,
    state_mask: tf.Tensor,
    h0: tf.Tensor,
    c0: tf.Tensor,
    keys: tf.Tensor,
    values: tf.Tensor,
    seen: tf.Tensor,
    vector_kernel: tf.Tensor,
    vector0: tf.Tensor,
    alignment0: tf.Tensor,
    query_kernel: tf.Tensor,
    scale: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
    """Compute the same as the native operation, from the same inputs; an absent input has the shape (0,).

    Args:
        tanh: the attention vector's activation; False is none.
        recurrent_bias, peepholes, state_mask: absent; the other arguments are as `decode_natively` hands them to it.

    Returns:
        vectors (batch, time, vector units), final h, c, vector and alignment.
    """
    projected = bias + tf.tensordot(inputs, kernel, axes=1)

    def attend(h):
        if absent(query_kernel):
            scores = tf.einsum("bu,bmu->bm", h, keys)
        else:
            scores = tf.tensordot(tf.tanh(tf.matmul(h, query_kernel)[:, None] + keys), scale, axes=1)
        if absent(seen):
            alignment = tf.nn.softmax(scores)
        else:
            there = seen != 0.0
            alignment = tf.where(there, tf.nn.softmax(tf.where(there, scores, -1e9)), 0.0)
        vector = tf.matmul(tf.concat([h, tf.einsum("bm,bmu->bu", alignment, values)], axis=1), vector_kernel)
        return tf.tanh(vector) if tanh else vector, alignment

    def step(x, h, c, vector, _):
        gates = x + tf.matmul(tf.concat([vector, h], axis=1), fed_kernel)
        h, c = lstm_gates(tf.split(gates, 4, axis=1), c)
        return h, c, *attend(h)

    return scan_masked(step, projected, keep, (h0, c0, vector0, alignment0), 2)
