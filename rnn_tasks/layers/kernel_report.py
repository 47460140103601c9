"""Which implementation each recurrent layer uses on this machine, and why it does not use a faster one."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras.src.backend.tensorflow.rnn import cudnn_ok  # not public, but Keras' layers call it

from rnn_tasks.layers.attention_wrapper import AttentionWrapper
from rnn_tasks.layers.cell_run import Choice, KernelCell, choose
from rnn_tasks.layers.fused import FusedLoop, choose_for_layer
from rnn_tasks.layers.rnn import RNN


class KernelUse(NamedTuple):
    """The kernel that a recurrent layer, or a cell in one, uses.

    Attributes:
        name: of the layer; if the layer has several cells, the name of the cell follows.
        kind: class of the layer or cell.
        kernel: "native", "tensorflow" (loop with a hand-written gradient), "step by step" (the cell's own `call` in a
            loop), "keras" (Keras' own layer), "cudnn"; followed by " in XLA" if XLA compiles it.
        reason: why the layer does not use the fastest kernel; None if it does.
    """

    name: str
    kind: str
    kernel: str
    reason: str | None


def kernel_report(layer: keras.layers.Layer, training: bool = True, jit_compile: bool | None = None) -> list[KernelUse]:
    """The kernel of every recurrent layer in `layer`, itself included.

    Args:
        layer: a layer or a model.
        training: True reports on `model.fit`; False on a traced graph for inference, as in `model.predict` and exports.
        jit_compile: whether XLA compiles the graph; None takes a model's own setting, and False for any other layer.

    Returns:
        One entry for each recurrent layer, or one for each cell if the layer has several.
    """
    if jit_compile is None:
        jit_compile = isinstance(layer, keras.Model) and layer.compiled and layer.jit_compile
    found: list[KernelUse] = []

    def ask() -> None:
        for part in layer._flatten_layers():
            if isinstance(part, keras.layers.RNN):
                found.extend(_of_layer(part, training, jit_compile))

    # The choice depends on where it is made. Models run inside a graph, so ask inside a graph.
    tf.function(ask, autograph=False, jit_compile=jit_compile).get_concrete_function()
    return [use._replace(kernel=f"{use.kernel} in XLA") for use in found] if jit_compile else found


def _of_layer(layer: Any, training: bool, jit_compile: bool) -> list[KernelUse]:
    name, kind = layer.name, type(layer).__name__
    if isinstance(layer, FusedLoop):
        choice = choose_for_layer(layer, layer.step, training)
        return [KernelUse(name, kind, *_with_keras(layer, choice, jit_compile))]
    if not isinstance(layer, RNN):
        ours = hasattr(layer.cell, "kernel") and kind in {"LSTM", "GRU", "SimpleRNN"}
        better = f"rnn_tasks.layers.{kind if ours else 'RNN'} gives the same"
        return [KernelUse(layer.name, f"keras.layers.{kind}", "keras", f"it is Keras' own; {better}")]
    leaves = [cell for cell in layer.cell._flatten_layers() if hasattr(cell, "state_size") and not _inner(cell)]
    return [
        KernelUse(layer.name if len(leaves) == 1 else f"{layer.name}/{cell.name}", type(cell).__name__, *use)
        for cell in leaves
        for use in [_of_cell(layer, cell, training)]
    ]


def _inner(cell: Any) -> list[Any]:
    """The cells inside a wrapper or a stack."""
    return [part for part in cell._flatten_layers(include_self=False) if hasattr(part, "state_size")]


def _of_cell(layer: RNN, cell: Any, training: bool) -> tuple[str, str | None]:
    if layer.unroll:
        return "step by step", "unroll is True"
    if layer.alignment_history:
        return "step by step", "alignment_history records every step"
    wrappers = [part for part in layer.cell._flatten_layers() if cell in _inner(part)]
    for around in wrappers:
        if not _runs_whole(around):
            return "step by step", f"{type(around).__name__} {around.name} needs each step's output before the next"
    for around in wrappers:
        if isinstance(around, AttentionWrapper) and around.input_feeding:
            reason = around.reason_against_kernel(training)
            return ("step by step" if reason else "native"), reason
    if not isinstance(cell, KernelCell):
        return "step by step", f"no kernel is written for {type(cell).__name__}"
    choice = choose(cell, cell.step, training)
    return ("step by step" if choice.kernel == "none" else choice.kernel), choice.reason


def _runs_whole(cell: Any) -> bool:
    """Whether a wrapper hands whole sequences to its cell."""
    return hasattr(cell, "run") and getattr(cell, "state_keep_prob", 1) == 1


def _with_keras(layer: Any, choice: Choice, jit_compile: bool) -> tuple[str, str | None]:
    if choice.kernel != "none":
        return choice.kernel, choice.reason
    cell = layer.cell
    if jit_compile or layer.recurrent_dropout or not hasattr(cell, "recurrent_activation"):
        return "keras", choice.reason
    options = {"reset_after": cell.reset_after} if hasattr(cell, "reset_after") else {}
    if layer.use_cudnn is not False and cudnn_ok(
        cell.activation, cell.recurrent_activation, layer.unroll, cell.use_bias, **options
    ):
        return "cudnn", None
    return "keras", choice.reason
