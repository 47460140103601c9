"""Whole sequences through one cell: the choice of a kernel that computes the same as the cell, and its call."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from rnn_tasks.layers.calls import restored
from rnn_tasks.layers.kernels.loop import recur_in_a_loop
from rnn_tasks.layers.kernels.native import compiled_by_xla, reason_against, recur_natively
from rnn_tasks.layers.kernels.steps import Step
from rnn_tasks.layers.kernels.tapes import differentiates_forwards, gradient_wanted
from rnn_tasks.layers.run import loop_cell
from rnn_tasks.layers.shapes import check_shape
from rnn_tasks.layers.shared_masks import CallMasks


class Choice(NamedTuple):
    """The kernel that runs a cell over a sequence.

    Attributes:
        kernel: "native" (C++), "tensorflow" (a loop of TensorFlow's operations with a hand-written gradient) or "none"
            (the cell's own `call` at every step).
        reason: why the kernel is not the native one; None if it is.
    """

    kernel: Literal["native", "tensorflow", "none"]
    reason: str | None


def choose(cell: Any, step: Step, training: bool, batch: int | None = None) -> Choice:
    """The fastest kernel that gives the results of `cell` under the current conditions.

    Args:
        cell: built or not.
        step: its recurrence.
        training: whether dropout is on and a gradient is needed. A gradient is also needed wherever a tape is open.
        batch: number of rows; None if it is unknown, which counts as a large number.
    """
    if reason := _unsuited(cell, step):
        return Choice("none", reason)
    if differentiates_forwards():
        return Choice("none", "a ForwardAccumulator is open, which differentiates TensorFlow's own operations only")
    wanted = gradient_wanted(training)
    reason = reason_against(cell.compute_dtype, wanted)
    if reason is None:
        return Choice("native", None)
    if step.forward is None:
        return Choice("none", reason)
    if training and _masks_by_gate(cell):
        return Choice("none", f"{reason}; and no other has a dropout mask for each gate")
    if not loop_pays(cell, step, wanted, batch):
        rows = "an unknown number of rows" if batch is None else f"{batch} row{'s' * (batch != 1)}"
        shape = f"{rows} of {cell.units} units"
        return Choice("none", f"{reason}; and for {shape} Keras' own way is no slower than a loop of ours")
    return Choice("tensorflow", reason)


def loop_pays(cell: Any, step: Step, gradient: bool, batch: int | None) -> bool:
    """Whether a loop of TensorFlow's operations is at least as fast as Keras' own, with or without a gradient."""
    if gradient and (compiled_by_xla() or cell.units >= step.loop_units):
        return True
    rows = step.loop_rows[0 if gradient else 1]
    return rows is None or (batch is not None and batch <= rows)


class KernelCell(CallMasks):
    """Mixed into a cell: its `run`, which uses a kernel if one computes the same, else `call` at every step."""

    @property
    def step(self) -> Step:
        """The cell's recurrence; each subclass defines its own."""
        raise NotImplementedError

    def run(self: Any, sequences, initial_state, mask=None, training=False):
        """A whole sequence; see `rnn_tasks.layers.run`."""
        check_features(self.name, sequences, self)
        kernel = choose(self, self.step, training, sequences.shape[0]).kernel
        if kernel == "none":
            return loop_cell(self, sequences, initial_state, mask, training)
        return run_kernel(self, sequences, initial_state, self.step, kernel, mask, training)


def check_features(layer: str, sequences: Any, cell: Any) -> None:
    """Refuse sequences (batch, time, features) of the wrong width: a kernel would read beyond their memory."""
    check_shape(layer, "sequences", sequences, (None, None, cell.kernel.shape[0]), "(batch, time, features)")


def run_kernel(
    cell: Any,
    sequences: Any,
    initial_state: Any,
    step: Step,
    kernel: str,
    mask: Any = None,
    training: bool = False,
) -> tuple[Any, Any]:
    """The same numbers as `cell.call` step by step.

    Args:
        cell: built; gives weights, dropout and dtype.
        sequences: (batch, time, features).
        initial_state: the states that `cell.call` takes, tensors of (batch, units).
        step: its recurrence.
        kernel: as in the `Choice` of `choose`.
        mask: (batch, time) bool; where False, the states pass through unchanged. None for all True.
        training: dropout is on, with one mask for all steps.

    Returns:
        outputs (batch, time, units) and the final states. Where the mask is False, the output of the step before is
        repeated.
    """
    # The native kernel rounds to bfloat16 only where it multiplies.
    dtype = "float32" if kernel == "native" else cell.compute_dtype
    sequences = ops.cast(sequences, dtype)
    states = [ops.cast(state, dtype) for state in keras.tree.flatten(initial_state)]
    weights = ops.cast(cell.kernel, dtype), ops.cast(cell.recurrent_kernel, dtype)
    bias = ops.zeros((weights[0].shape[1],), dtype) if cell.bias is None else ops.cast(cell.bias, dtype)
    recurrent_bias = None
    if len(bias.shape) == 2:  # GRU has one for each projection
        bias, recurrent_bias = tf.unstack(bias)
    input_mask, state_mask = _dropout_masks(cell, sequences, states[0]) if training else (None, None)
    if isinstance(input_mask, list):  # one for each gate: the projection is done here
        gates = zip(input_mask, tf.split(weights[0], len(input_mask), axis=1), strict=True)
        sequences = tf.concat([tf.matmul(sequences * gate_mask[:, None], part) for gate_mask, part in gates], axis=-1)
        weights = None, weights[1]
    elif input_mask is not None:
        sequences = sequences * input_mask[:, None]
    if kernel == "native":
        peepholes = tf.stack([ops.cast(w, dtype) for w in cell.peepholes]) if hasattr(cell, "peepholes") else None
        bfloat16 = cell.compute_dtype == "bfloat16"
        given = sequences, states, *weights, bias, recurrent_bias, mask, peepholes, state_mask
        outputs, final = recur_natively(step.name, *given, bfloat16, gradient_wanted(training))
        outputs, final = ops.cast(outputs, cell.compute_dtype), [ops.cast(s, cell.compute_dtype) for s in final]
    else:
        outputs, final = recur_in_a_loop(step, sequences, states, *weights, bias, recurrent_bias, mask)
    return outputs, keras.tree.pack_sequence_as(initial_state, final)


def _dropout_masks(cell: keras.layers.Layer, sequences: Any, state: Any) -> tuple[Any, Any]:
    """Masks of the inputs, (batch, features) or a list with one per gate, and of the state (gates, batch, units)."""
    one_step = tf.zeros((tf.shape(sequences)[0], sequences.shape[2]), sequences.dtype)
    with restored([cell]):  # the masks are for this sequence only: outside Keras' RNN no other code drops them
        inputs = cell.get_dropout_mask(one_step) if cell.dropout else None
        states = cell.get_recurrent_dropout_mask(tf.zeros_like(state)) if cell.recurrent_dropout else None

    def cast(mask):
        return tf.cast(mask, sequences.dtype)

    if isinstance(inputs, list):
        inputs = [cast(mask) for mask in inputs]
    elif inputs is not None:
        inputs = cast(inputs)
    if states is not None:
        states = cast(tf.stack(states) if isinstance(states, list) else states[None])
    return inputs, states


def _masks_by_gate(cell: keras.layers.Layer) -> bool:
    return bool(cell.recurrent_dropout or (cell.dropout and getattr(cell, "implementation", 2) == 1))


def _unsuited(cell: keras.layers.Layer, step: Step) -> str | None:
    """The reason why no kernel computes the same as `cell`; None if one does."""
    if keras.backend.backend() != "tensorflow":
        return f"the Keras backend is {keras.backend.backend()}, the kernels are made for TensorFlow"
    if tf.config.list_physical_devices("GPU"):
        return "a GPU is present, the kernels are made for CPUs"
    wanted = keras.activations.get(step.activation)
    if cell.activation is not wanted:
        return f"activation is {_name(cell.activation)}, not {_name(wanted)}"
    if getattr(cell, "recurrent_activation", keras.activations.sigmoid) is not keras.activations.sigmoid:
        return f"recurrent_activation is {_name(cell.recurrent_activation)}, not sigmoid"
    if 1.0 in (cell.dropout, cell.recurrent_dropout):
        return "a dropout of 1.0 is all in some of Keras' cells and none in others"
    return None


def _name(activation: Any) -> str:
    return getattr(activation, "__name__", str(activation))
