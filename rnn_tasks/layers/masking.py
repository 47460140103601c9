"""Masks over the time steps of a recurrent layer, and what stands in its output where they are False."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from keras import ops

from rnn_tasks.layers.shapes import check_shape


def unmasked_steps(layer: str, sequences: Any, mask: Any, sequence_length: Any) -> Any:
    """The steps that a mask and lengths leave.

    Args:
        layer: whose sequences they are, for errors.
        sequences: (batch, time, features), which may carry a mask of Keras' own.
        mask: (batch, time) bool, or None.
        sequence_length: (batch,) int, or None.

    Returns:
        (batch, time) bool; None where nothing masks.

    Raises:
        ValueError: shapes that do not fit, or lengths that are not whole.
    """
    if mask is None:  # Keras finds the mask of the only tensor among the arguments, not of one among several
        mask = getattr(sequences, "_keras_mask", None)
    if mask is not None:
        mask = ops.cast(mask, "bool")
        check_shape(layer, "mask", mask, sequences.shape[:2], "(batch, time)")
    if sequence_length is None:
        return mask
    lengths = tf.convert_to_tensor(sequence_length)
    check_shape(layer, "sequence_length", lengths, sequences.shape[:1], "(batch,)")
    if not lengths.dtype.is_integer:
        raise ValueError(f"{layer} counts sequence_length in whole steps, found {lengths.dtype.name}")
    within = tf.sequence_mask(lengths, tf.shape(sequences)[1])
    return within if mask is None else mask & within


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
