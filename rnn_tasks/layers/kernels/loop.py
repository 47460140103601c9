"""The recurrence in TensorFlow's own operations, with its gradient written by hand.

With automatic differentiation, every time step would compute its own part of the weight gradients, add it up, and keep
every intermediate product. Here the input projection is one GEMM before the loop, the weight gradients are one GEMM
each after it, and the loop keeps only the values that its backward step needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from rnn_tasks.layers.kernels.steps import Step


def recur_in_a_loop(
    step: Step,
    inputs: tf.Tensor,
    states: Sequence[tf.Tensor],
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
    recurrent_bias: tf.Tensor | None = None,
    mask: tf.Tensor | None = None,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Run `step` over time.

    Args:
        step: the recurrence.
        inputs: (batch, time, features).
        states: initial states, each (batch, units).
        kernel: (features, gates · units).
        recurrent_kernel: (units, gates · units).
        bias: (gates · units,), added to the projected input.
        recurrent_bias: (gates · units,), added to the projected previous output; None for none.
        mask: (batch, time) bool; where False, the states pass through unchanged. None for all True.

    Returns:
        outputs (batch, time, units), the first state of every step, and the final states, each (batch, units).
    """
    mask_given = mask is not None
    if recurrent_bias is None:
        recurrent_bias = tf.zeros_like(bias)
    keep = mask if mask_given else tf.zeros((0, 0), tf.bool)
    outputs, *final = _recurrence(step, mask_given)(
        inputs, kernel, recurrent_kernel, bias, recurrent_bias, keep, *states
    )
    return outputs, final


def _recurrence(step: Step, masked: bool):
    step_forward, step_backward = step.forward, step.backward
    assert step_forward is not None
    assert step_backward is not None

    @tf.custom_gradient
    def run(inputs, kernel, recurrent_kernel, bias, recurrent_bias, keep, *initial):
        time, batch = tf.shape(inputs)[1], tf.shape(inputs)[0]
        features, units, width = inputs.shape[2], recurrent_kernel.shape[0], step.gates * recurrent_kernel.shape[0]
        flat = tf.reshape(tf.transpose(inputs, [1, 0, 2]), [-1, features])  # (time · batch, features)
        projected = tf.reshape(tf.matmul(flat, kernel) + bias, [time, batch, width])
        keep = tf.transpose(keep)[:, :, None] if masked else None  # (time, batch, 1)

        def array(size):
            return tf.TensorArray(inputs.dtype, size=time, element_shape=(inputs.shape[0], size * units))

        def forward(t, states, histories, kept_histories):
            through_h = tf.matmul(states[0], recurrent_kernel) + recurrent_bias
            new, kept = step_forward(projected[t], through_h, states)
            if masked:
                new = [tf.where(keep[t], after, before) for after, before in zip(new, states, strict=True)]
            histories = [history.write(t, state) for history, state in zip(histories, new, strict=True)]
            kept_histories = [history.write(t, value) for history, value in zip(kept_histories, kept, strict=True)]
            return t + 1, list(new), histories, kept_histories

        _, final, histories, kept_histories = tf.while_loop(
            lambda t, *_: t < time,
            forward,
            (0, list(initial), [array(1) for _ in initial], [array(size) for size in step.kept]),
            maximum_iterations=time,
        )
        histories = [history.stack() for history in histories]  # each (time, batch, units)
        kept_histories = [history.stack() for history in kept_histories]
        previous = [
            tf.concat([first[None], history], axis=0)[:-1] for first, history in zip(initial, histories, strict=True)
        ]

        def gradient(d_outputs, *d_final):
            d_outputs = tf.transpose(d_outputs, [1, 0, 2])
            transposed = tf.transpose(recurrent_kernel)
            # Where both projections get the same gradient (LSTM, SimpleRNN), it is stored once.
            shared = step.gates != 3

            def backward(k, d_states, dx_history, dh_history):
                t = time - 1 - k
                d_states = [d_states[0] + d_outputs[t], *d_states[1:]]
                incoming = [tf.where(keep[t], d, tf.zeros_like(d)) for d in d_states] if masked else d_states
                dx, dh, d_previous = step_backward(
                    incoming, [history[t] for history in previous], [history[t] for history in kept_histories]
                )
                d_previous = [d_previous[0] + tf.matmul(dh, transposed), *d_previous[1:]]
                if masked:
                    passed = [tf.where(keep[t], tf.zeros_like(d), d) for d in d_states]
                    d_previous = [d + p for d, p in zip(d_previous, passed, strict=True)]
                dx_history = dx_history.write(t, dx)
                dh_history = dh_history if shared else dh_history.write(t, dh)
                return k + 1, list(d_previous), dx_history, dh_history

            _, d_initial, dx_history, dh_history = tf.while_loop(
                lambda k, *_: k < time,
                backward,
                (0, list(d_final), array(step.gates), array(step.gates)),
                maximum_iterations=time,
            )
            dx = tf.reshape(dx_history.stack(), [-1, width])
            dh = dx if shared else tf.reshape(dh_history.stack(), [-1, width])
            d_inputs = tf.reshape(tf.matmul(dx, kernel, transpose_b=True), [time, batch, features])
            return (
                tf.transpose(d_inputs, [1, 0, 2]),
                tf.matmul(flat, dx, transpose_a=True),
                tf.matmul(tf.reshape(previous[0], [-1, units]), dh, transpose_a=True),
                tf.reduce_sum(dx, axis=0),
                tf.reduce_sum(dh, axis=0),
                None,
                *d_initial,
            )

        return (tf.transpose(histories[0], [1, 0, 2]), *final), gradient

    return run
