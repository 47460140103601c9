"""Masks over the time steps of a recurrent layer, and what stands in its output where they are False."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def masked_outputs(outputs: Any, mask: Any, zeros: bool, last_alone: bool) -> tuple[Any, Any]:
    """What Keras' recurrent layers give where the mask is False, from the outputs of a run.

    Args:
        outputs: (batch, time, units), anything where the mask is False.
        mask: (batch, time) bool, or None for all True.
        zeros: outputs there are 0; else that of the last unmasked step so far, 0 before the first.
        last_alone: only the last output is wanted.

    Returns:
        The last output (batch, units), zeros when there was no step, and all outputs (batch, time, units), or with
        `last_alone` the last again (batch, 1, units).
    """
    if mask is not None and zeros:
        outputs = tf.where(mask[:, :, None], outputs, tf.zeros_like(outputs))
    elif mask is not None and last_alone:
        last = last_unmasked(outputs, mask)
        return last, last[:, None]
    elif mask is not None:
        outputs = _held(outputs, mask)
    last = tf.reduce_sum(outputs[:, -1:], axis=1)  # the sum of one or, after an empty sequence, of none
    return last, last[:, None] if last_alone else outputs


def last_unmasked(values: Any, mask: Any) -> Any:
    """Of values (batch, time, units) those at the last unmasked step (batch, units); zeros where there is none."""
    steps = tf.range(tf.shape(values)[1])
    last = tf.reduce_max(tf.where(mask, steps, -1), axis=1)  # (batch,)
    return tf.reduce_sum(tf.where((steps == last[:, None])[:, :, None], values, tf.zeros_like(values)), axis=1)


def beside(samples: Any, values: Any) -> Any:
    """(batch,) as (batch, 1, …), to stand beside `values` (batch, …)."""
    return tf.reshape(samples, [-1] + [1] * (len(values.shape) - 1))


def _held(outputs, mask):
    """At each step the output of the last unmasked step so far, zeros before the first."""
    time = tf.shape(mask)[1]
    unmasked = tf.sort(tf.where(mask, tf.range(time), time), axis=1)  # their steps come first, in order
    so_far = tf.cumsum(tf.cast(mask, tf.int32), axis=1)  # (batch, time)
    step = tf.gather(unmasked, tf.maximum(so_far - 1, 0), batch_dims=1)
    held = tf.gather(outputs, tf.minimum(step, time - 1), batch_dims=1)  # (batch, time, units)
    return tf.where((so_far > 0)[:, :, None], held, tf.zeros_like(outputs))
