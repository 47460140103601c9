"""The recurrence in C++: see `native/forward.h` for how it goes about its work."""

from __future__ import annotations

import contextlib
import contextvars
import os
from collections.abc import Iterator, Sequence

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from rnn_tasks.layers.kernels.build import library
from rnn_tasks.layers.kernels.plain import recur_plainly

_inference = contextvars.ContextVar("native_inference", default=False)


@contextlib.contextmanager
def native_inference() -> Iterator[None]:
    """Graphs traced inside this take the native kernel for inference, too: for `model.predict`, not for exports.

    An export of such a graph would load only where this package has been imported.
    """
    token = _inference.set(True)
    try:
        yield
    finally:
        _inference.reset(token)


def compiled_by_xla() -> bool:
    """Whether what is being traced is for XLA to compile."""
    return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def reason_against(dtype: str, training: bool) -> str | None:
    """Why the native kernel cannot be taken for what is being computed now; None when it can.

    Args:
        dtype: of the computation.
        training: a traced graph that does not train may be exported, and must load where this package is not: there,
            TensorFlow's own operations are taken.
    """
    if dtype not in ("float32", "bfloat16"):
        return f"the native kernel computes in float32 or bfloat16, not in {dtype}"
    if not tf.executing_eagerly():
        if compiled_by_xla():
            return "XLA compiles TensorFlow's own operations only"
        if not training and not _inference.get():
            return (
                "a graph for inference takes TensorFlow's own operations, to load anywhere (native_inference lifts it)"
            )
    if library().reason is None and dtype == "bfloat16" and not library().bfloat16:
        return "the processor has no products of bfloat16, or the compiler does not know them"
    return library().reason


def recur_natively(
    name: str,
    inputs: tf.Tensor,
    states: Sequence[tf.Tensor],
    kernel: tf.Tensor | None,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
    recurrent_bias: tf.Tensor | None = None,
    mask: tf.Tensor | None = None,
    peepholes: tf.Tensor | None = None,
    state_mask: tf.Tensor | None = None,
    bfloat16: bool = False,
    training: bool = True,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Run the native recurrence on float32 tensors.

    Args:
        name: "simple_rnn", "relu_rnn", "lstm", "peephole_lstm", "gru" or "gru_reset_before".
        inputs: (batch, time, features).
        states: initial states, each (batch, units).
        kernel: (features, gates · units); None where the inputs are projected already, features being gates · units.
        recurrent_kernel: (units, gates · units).
        bias: (gates · units,), added to the projected input.
        recurrent_bias: (gates · units,), added to the projected previous output of "gru" alone.
        mask: (batch, time) bool; where False, the states pass through unchanged. None for all True.
        peepholes: (3, units), to the input, forget and output gates of a peephole LSTM.
        state_mask: (gates, batch, units), recurrent dropout: what each gate multiplies the previous output with.
        bfloat16: round what is multiplied to bfloat16; sums, states and activations stay float32.
        training: keep what the gradient needs. Without, a gradient that is asked for all the same runs all of it again.

    Returns:
        outputs (batch, time, units), the first state of every step, and the final states, each (batch, units).
    """
    absent = tf.zeros((0,))
    ops, attributes = library().ops, {"cell": name, "threads": threads(), "rounded": bfloat16}
    keep = absent if mask is None else tf.cast(mask, tf.float32)
    if name == "gru" and recurrent_bias is None:
        recurrent_bias = tf.zeros_like(bias)
    kernel, recurrent_bias, peepholes = (absent if w is None else w for w in (kernel, recurrent_bias, peepholes))
    h0, c0 = states[0], states[1] if len(states) == 2 else tf.zeros((tf.shape(inputs)[0], 0))
    masks = keep, absent if state_mask is None else state_mask

    @tf.custom_gradient
    def run(*sources):
        given = (*sources[:6], *masks, *sources[6:])
        outputs, *kept, h, c = ops.rnn_tasks_recurrence(*given, **attributes, keeps=training)

        @tf.custom_gradient
        def backwards(*values):
            gates = kept if training else ops.rnn_tasks_recurrence(*given, **attributes, keeps=True)[1:3]
            found = list(ops.rnn_tasks_recurrence_gradient(*given, outputs, *gates, *values[8:], **attributes))
            if name != "gru":
                found[4] = tf.zeros_like(recurrent_bias)
            shaped = [tf.reshape(value, tf.shape(source)) for value, source in zip(found, sources, strict=True)]
            return shaped, lambda *upstream: _second_derivative(name, values, masks, upstream)

        shaped = tf.ensure_shape(outputs, (*inputs.shape[:2], recurrent_kernel.shape[0]))
        final = tf.ensure_shape(h, h0.shape), tf.ensure_shape(c, c0.shape)
        return (shaped, *final), lambda *upstream: backwards(*sources, *upstream)

    outputs, h, c = run(inputs, kernel, recurrent_kernel, bias, recurrent_bias, peepholes, h0, c0)
    return outputs, [h, c][: len(states)]


def _second_derivative(name, values, masks, upstream):
    """The gradients to what `backwards` is given: by TensorFlow, of the same recurrence in its own operations."""
    with tf.GradientTape() as outer:
        outer.watch(values)
        with tf.GradientTape() as inner:
            inner.watch(values[:8])
            results = recur_plainly(name, *values[:6], *masks, *values[6:8])
        found = inner.gradient(results, values[:8], values[8:], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return outer.gradient(found, values, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def threads() -> int:
    """Threads that a native kernel works with."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return tf.config.threading.get_intra_op_parallelism_threads() or available
