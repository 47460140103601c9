"""Masks over the time steps of a recurrent layer, and its outputs where they are False."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rnn_tasks.layers.shapes import check_shape, refuse_ragged


def unmasked_steps(layer: str, sequences: Any, mask: Any, sequence_length: Any) -> Any:
    """The steps that are masked neither by a mask nor by lengths.

    Args:
        layer: name of the layer, for errors.
        sequences: (batch, time, features), which may carry a Keras mask.
        mask: (batch, time) bool, or None.
        sequence_length: (batch,) int, or None.

    Returns:
        (batch, time) bool; None if there is neither mask nor lengths.

    Raises:
        ValueError: shapes that do not fit, or lengths that are not integers.
    """
    if mask is None:  # Keras finds the mask of a single tensor argument, but not if there are several
        mask = getattr(sequences, "_keras_mask", None)
    mask = steps_of_mask(layer, sequences, mask)
    if sequence_length is None:
        return mask
    refuse_ragged(layer, "sequence_length", sequence_length)
    lengths = tf.convert_to_tensor(sequence_length)
    check_shape(layer, "sequence_length", lengths, sequences.shape[:1], "(batch,)")
    if not lengths.dtype.is_integer:
        raise ValueError(f"{layer} counts sequence_length in whole steps, found {lengths.dtype.name}")
    within = tf.sequence_mask(lengths, tf.shape(sequences)[1])
    return within if mask is None else mask & within


def steps_of_mask(layer: str, sequences: Any, mask: Any) -> Any:
    """A mask (batch, time) of any type as bool, taken out of Keras' list of masks if needed; None stays None."""
    if isinstance(mask, (list, tuple)) and mask and (mask[0] is None or len(getattr(mask[0], "shape", ())) == 2):
        mask = mask[0]
    if mask is None:
        return None
    refuse_ragged(layer, "mask", mask)
    mask = tf.cast(mask, tf.bool)
    check_shape(layer, "mask", mask, sequences.shape[:2], "(batch, time)")
    return mask


def check_sequences(layer: str, sequences: Any) -> None:
    """Refuse anything but a dense tensor with a time dimension.

    Raises:
        ValueError: names what was found, and what is accepted instead.
    """
    refuse_ragged(layer, "sequences", sequences)
    if len(sequences.shape) < 3:
        raise ValueError(f"{layer} takes sequences (batch, time, features), found {tuple(sequences.shape)}")


def check_stream(layer: str, sequences: Any, batch: int) -> Any:
    """The sequences, if their batch size is that of a stateful layer's states.

    Raises:
        ValueError: names both sizes. If a graph knows the size only when it runs, TensorFlow raises an error with the
            same message before it uses the returned sequences.
    """
    message = f"{layer} is stateful with a batch size of {batch}, whose states it carries; found a batch size of"
    if sequences.shape[0] is None:
        found = tf.shape(sequences)[0]
        with tf.control_dependencies([tf.debugging.Assert(found == batch, [message, found])]):
            return tf.identity(sequences)
    if sequences.shape[0] != batch:
        raise ValueError(f"{message} {sequences.shape[0]}")
    return sequences


def masked_outputs(outputs: Any, mask: Any, zeros: bool, last_alone: bool) -> tuple[Any, Any]:
    """The outputs of a run, changed where the mask is False to those of Keras' recurrent layers.

    Args:
        outputs: (batch, time, units), anything where the mask is False.
        mask: (batch, time) bool, or None for all True.
        zeros: masked outputs are 0; else they repeat the last unmasked output so far, and are 0 before the first one.
        last_alone: only the last output is needed.

    Returns:
        The last output (batch, units), zeros if there was no step; and all outputs (batch, time, units), or with
        `last_alone` the last output again (batch, 1, units).
    """
    if mask is not None and zeros:
        outputs = tf.where(mask[:, :, None], outputs, tf.zeros_like(outputs))
    elif mask is not None and last_alone:
        last = last_unmasked(outputs, mask)
        return last, last[:, None]
    elif mask is not None:
        outputs = _held(outputs, mask)
    last = tf.reduce_sum(outputs[:, -1:], axis=1)  # a sum over one step, or over no step if the sequence is empty
    return last, last[:, None] if last_alone else outputs


def last_unmasked(values: Any, mask: Any) -> Any:
    """The values (batch, time, units) at the last unmasked step, (batch, units); zeros if there is no such step."""
    steps = tf.range(tf.shape(values)[1])
    last = tf.reduce_max(tf.where(mask, steps, -1), axis=1)  # (batch,)
    return tf.reduce_sum(tf.where((steps == last[:, None])[:, :, None], values, tf.zeros_like(values)), axis=1)


def beside(samples: Any, values: Any) -> Any:
    """Reshape (batch,) to (batch, 1, …), so that it broadcasts with `values` (batch, …)."""
    return tf.reshape(samples, [-1] + [1] * (len(values.shape) - 1))


def _held(outputs, mask):
    """The output of the last unmasked step so far, at each step; zeros before the first."""
    time = tf.shape(mask)[1]
    unmasked = tf.sort(tf.where(mask, tf.range(time), time), axis=1)  # the unmasked steps come first, in order
    so_far = tf.cumsum(tf.cast(mask, tf.int32), axis=1)  # (batch, time)
    step = tf.gather(unmasked, tf.maximum(so_far - 1, 0), batch_dims=1)
    held = tf.gather(outputs, tf.minimum(step, time - 1), batch_dims=1)  # (batch, time, units)
    return tf.where((so_far > 0)[:, :, None], held, tf.zeros_like(outputs))
