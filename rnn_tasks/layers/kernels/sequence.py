"""A recurrence over a whole sequence, by the fastest kernel that computes it here."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from rnn_tasks.layers.kernels.loop import recur_in_a_loop
from rnn_tasks.layers.kernels.native import reason_against, recur_natively
from rnn_tasks.layers.kernels.steps import Step


def recur(
    step: Step,
    inputs: tf.Tensor,
    states: Sequence[tf.Tensor],
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
    recurrent_bias: tf.Tensor | None = None,
    mask: tf.Tensor | None = None,
    training: bool = False,
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
        training: a traced graph that trains takes the native kernel, one for inference does not.

    Returns:
        outputs (batch, time, units), the first state of every step, and the final states, each (batch, units).
    """
    weights = (kernel, recurrent_kernel, bias, recurrent_bias)
    if reason_against(inputs.dtype.name, training) is None:
        return recur_natively(step.name, inputs, states, *weights, mask)
    return recur_in_a_loop(step, inputs, states, *weights, mask)
