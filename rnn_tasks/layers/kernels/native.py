"""The recurrence in C++; `native/forward.h` explains how it works."""

from __future__ import annotations

import contextlib
import contextvars
import os
from collections.abc import Iterator, Sequence

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from rnn_tasks.layers.kernels.build import library
from rnn_tasks.layers.kernels.operation import Operation, register, run_operation
from rnn_tasks.layers.kernels.plain import recur_plainly

_inference = contextvars.ContextVar("native_inference", default=False)


@contextlib.contextmanager
def native_inference() -> Iterator[None]:
    """Let graphs traced inside the block use the native kernel for inference, too: for `model.predict`, not exports.

    An export of such a graph could be loaded only after this package is imported.
    """
    token = _inference.set(True)
    try:
        yield
    finally:
        _inference.reset(token)


def compiled_by_xla() -> bool:
    """Whether XLA will compile the graph that is being traced."""
    return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def reason_against(dtype: str, gradient: bool) -> str | None:
    """The reason why the current computation cannot use the native kernel; None if it can.

    Args:
        dtype: of the computation.
        gradient: whether a gradient is needed. A traced graph without gradients may be exported, and then must load
            without this package. So it uses TensorFlow's own operations.
    """
    if dtype not in ("float32", "bfloat16"):
        return f"the native kernel computes in float32 or bfloat16, not in {dtype}"
    if not tf.executing_eagerly():
        if compiled_by_xla():
            return "XLA compiles TensorFlow's own operations only"
        if not gradient and not _inference.get():
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
    keeps: bool = True,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Run the native recurrence on float32 tensors.

    Args:
        name: "simple_rnn", "relu_rnn", "lstm", "peephole_lstm", "gru" or "gru_reset_before".
        inputs: (batch, time, features).
        states: initial states, each (batch, units).
        kernel: (features, gates · units); None if the inputs are projected already: then features = gates · units.
        recurrent_kernel: (units, gates · units).
        bias: (gates · units,), added to the projected input.
        recurrent_bias: (gates · units,), added to the projected previous output; for "gru" only.
        mask: (batch, time) bool; where False, the states pass through unchanged. None for all True.
        peepholes: (3, units), to the input, forget and output gates of a peephole LSTM.
        state_mask: (gates, batch, units), recurrent dropout: each gate multiplies the previous output by its part.
        bfloat16: round the factors of products to bfloat16; sums, states and activations stay float32.
        keeps: keep the values that the gradient needs. Without them, computing a gradient repeats the whole forward
            pass.

    Returns:
        outputs (batch, time, units), the first state of every step, and the final states, each (batch, units).
    """
    absent = tf.zeros((0,))
    keep = absent if mask is None else tf.cast(mask, tf.float32)
    if name == "gru" and recurrent_bias is None:
        recurrent_bias = tf.zeros_like(bias)
    kernel, recurrent_bias, peepholes = (absent if w is None else w for w in (kernel, recurrent_bias, peepholes))
    h0, c0 = states[0], states[1] if len(states) == 2 else tf.zeros((tf.shape(inputs)[0], 0))
    masks = keep, absent if state_mask is None else state_mask
    attributes = {"cell": name, "threads": threads(), "rounded": bfloat16, "keeps": keeps}
    given = inputs, kernel, recurrent_kernel, bias, recurrent_bias, peepholes, *masks, h0, c0
    outputs, h, c = run_operation(RECURRENCE, attributes, given)
    outputs = tf.ensure_shape(outputs, (*inputs.shape[:2], recurrent_kernel.shape[0]))
    return outputs, [tf.ensure_shape(h, h0.shape), tf.ensure_shape(c, c0.shape)][: len(states)]


def threads() -> int:
    """The number of threads of a native kernel."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return tf.config.threading.get_intra_op_parallelism_threads() or available


RECURRENCE = Operation(
    "RnnTasksRecurrence",
    "rnn_tasks_recurrence",
    inputs=10,
    kept=3,
    sources=(0, 1, 2, 3, 4, 5, 8, 9),
    attributes=("cell", "threads", "rounded", "keeps"),
    plainly=lambda attributes, given: recur_plainly(attributes["cell"], *given),
)
register(RECURRENCE)
