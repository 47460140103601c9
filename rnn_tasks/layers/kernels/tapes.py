"""The open gradient tapes and forward accumulators, which will differentiate the current computation."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.python import pywrap_tfe  # not public, but it knows the accumulators
from tensorflow.python.eager import record  # not public either, but it knows the tapes
from tensorflow.python.saved_model import save_context


def gradient_wanted(training: bool) -> bool:
    """Whether a gradient of the current computation or trace will be needed.

    Args:
        training: the layer's argument; many users' own loops open a tape without setting it.
    """
    return training or (record.could_possibly_record() and not save_context.in_save_context())


def differentiates_forwards() -> bool:
    """Whether a `tf.autodiff.ForwardAccumulator` is open; it does not support custom gradients."""
    return record.could_possibly_record() and bool(pywrap_tfe.TFE_Py_PackJVPs([])[0])  # one entry for each of them


def arrays_differentiate() -> bool:
    """Whether a `tf.TensorArray` may be used here: in a graph, it has no forward-mode derivative."""
    return tf.executing_eagerly() or not differentiates_forwards()
