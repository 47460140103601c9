"""What is open: the gradient tapes and forward accumulators that will differentiate what is computed now."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.python import pywrap_tfe  # not public, but what knows of accumulators
from tensorflow.python.eager import record  # and of tapes
from tensorflow.python.saved_model import save_context


def gradient_wanted(training: bool) -> bool:
    """Whether a gradient will be asked for of what is computed, or traced, here and now.

    Args:
        training: as the layer was called; many loops of people's own open a tape and do not say so.
    """
    return training or (record.could_possibly_record() and not save_context.in_save_context())


def differentiates_forwards() -> bool:
    """Whether a `tf.autodiff.ForwardAccumulator` is open, which does not know custom gradients."""
    return record.could_possibly_record() and bool(pywrap_tfe.TFE_Py_PackJVPs([])[0])  # one entry for each of them


def arrays_differentiate() -> bool:
    """Whether a `tf.TensorArray` may be used here: in a graph, TensorFlow's have no derivative forwards."""
    return tf.executing_eagerly() or not differentiates_forwards()
