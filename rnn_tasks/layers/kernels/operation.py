"""A native operation with its gradient, which is native, too, and with that one's, of which nobody is in a hurry.

In a graph, TensorFlow finds a gradient by the operation's name and asks it of tensors of whatever graph it builds:
forwards, backwards, and again. Eagerly it would hand that gradient zeros as large as all that an operation keeps; there
a custom gradient has none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.eager import forwardprop_util  # not public, but how TensorFlow's own gradients do it

from rnn_tasks.layers.kernels.build import library

Attributes = dict[str, Any]


class Operation(NamedTuple):
    """One of `native/ops.cc`: its first output is the result of every step, the last ones are the final states.

    Attributes:
        name: TensorFlow's; that of its gradient has "Gradient" behind it.
        call: name of the function that adds it; that of its gradient has "_gradient" behind it.
        inputs: how many there are.
        kept: how many outputs the gradient reads; those behind them are the final states.
        sources: places of the inputs that have a gradient, in the order in which the gradient gives them.
        attributes: their names; its gradient has the same but "keeps", whether what it reads is kept.
        plainly: (attributes, inputs) -> result of every step and final states, in TensorFlow's own operations.
    """

    name: str
    call: str
    inputs: int
    kept: int
    sources: Sequence[int]
    attributes: Sequence[str]
    plainly: Callable[[Attributes, Sequence[tf.Tensor]], Sequence[tf.Tensor]]


def run_operation(operation: Operation, attributes: Attributes, given: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """The result of every step and the final states of an operation over its inputs, absent ones of shape (0,)."""
    if not tf.executing_eagerly():
        return _results(operation, _forward(operation, attributes, given))

    @tf.custom_gradient
    def run(*given):
        outputs = _forward(operation, attributes, given)
        results = _results(operation, outputs)
        return results, lambda *upstream: _gradient(operation, attributes, given, outputs, upstream)

    return list(run(*given))


def register(operation: Operation) -> None:
    """Tell TensorFlow the derivatives of an operation and of its gradient."""

    def gradient(op, *upstream):
        attributes = _attributes(op, operation.attributes)
        return _gradient(operation, attributes, op.inputs, op.outputs, _results(operation, upstream))

    def second_derivative(op, *upstream):
        attributes = _attributes(op, [name for name in operation.attributes if name != "keeps"])
        return _second_derivative(operation, attributes, op.inputs, upstream)

    tf.RegisterGradient(operation.name)(gradient)
    tf.RegisterGradient(f"{operation.name}Gradient")(second_derivative)


def _forward(operation, attributes, given):
    return getattr(library().ops, operation.call)(*given, **attributes)


def _results(operation, outputs):
    return [outputs[0], *outputs[operation.kept :]]


def _gradient(operation, attributes, given, outputs, upstream):
    """The gradients to all inputs; None to those that have none."""
    if not attributes.get("keeps", True):
        outputs = _forward(operation, {**attributes, "keeps": True}, given)
    attributes = {name: value for name, value in attributes.items() if name != "keeps"}
    add = getattr(library().ops, f"{operation.call}_gradient")
    gradients: list[Any] = [None] * operation.inputs
    for place, found in zip(
        operation.sources, add(*given, *outputs[: operation.kept], *upstream, **attributes), strict=True
    ):
        source = given[place]
        absent = source.shape.num_elements() == 0  # nobody asks for these, but their shape has to be right
        gradients[place] = tf.zeros_like(source) if absent else tf.reshape(found, tf.shape(source))
    return gradients


def _second_derivative(operation, attributes, values, upstream):
    """The gradients to the inputs of an operation's gradient: by TensorFlow, of the same in its own operations.

    What was kept is computed from the other inputs, and has no gradient of its own.
    """
    given, after = list(values[: operation.inputs]), values[operation.inputs + operation.kept :]
    sources = [given[place] for place in operation.sources]
    zeros = {"unconnected_gradients": tf.UnconnectedGradients.ZERO}
    with (
        forwardprop_util.push_forwardprop_state()
    ):  # an accumulator that asks for this would make the tapes see nothing
        with tf.GradientTape() as outer:
            outer.watch([*sources, *after])
            with tf.GradientTape() as inner:
                inner.watch(sources)
                results = operation.plainly(attributes, given)
            found = inner.gradient(results, sources, list(after), **zeros)
        d_sources, d_after = outer.gradient(found, (sources, list(after)), list(upstream), **zeros)
    gradients: list[Any] = [None] * operation.inputs
    for place, gradient in zip(operation.sources, d_sources, strict=True):
        gradients[place] = gradient
    return [*gradients, *[None] * operation.kept, *d_after]


def _attributes(op, names):
    found = {name: op.get_attr(name) for name in names}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()}
