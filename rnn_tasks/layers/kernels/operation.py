"""A native operation with its gradient, which is native, too, and with the second derivative, which need not be fast.

In a graph, TensorFlow finds a gradient by the operation's name. It calls it for the tensors of every graph it builds:
forwards, backwards, and again. Eagerly, TensorFlow would pass that gradient zeros as large as all tensors that an
operation keeps. So in eager mode we use a custom gradient, which needs no such zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.eager import forwardprop_util  # not public, but TensorFlow's own gradients use it

from rnn_tasks.layers.kernels.build import library

Attributes = dict[str, Any]


class Operation(NamedTuple):
    """An operation of `native/ops.cc`: its first output holds the results of all steps, the last ones are final states.

    Attributes:
        name: TensorFlow's name; its gradient has the same name followed by "Gradient".
        call: name of the function that adds it; its gradient has the same name followed by "_gradient".
        inputs: number of inputs.
        kept: number of outputs that the gradient reads; the final states follow them.
        sources: positions of the inputs that have a gradient, in the order of the gradient's results.
        attributes: names of the attributes; the gradient has the same, except "keeps" (whether its inputs are kept).
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
    """The results of all steps and the final states of an operation; absent inputs have the shape (0,)."""
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
    """The gradients with respect to all inputs; None for inputs without a gradient."""
    if not attributes.get("keeps", True):
        outputs = _forward(operation, {**attributes, "keeps": True}, given)
    attributes = {name: value for name, value in attributes.items() if name != "keeps"}
    add = getattr(library().ops, f"{operation.call}_gradient")
    gradients: list[Any] = [None] * operation.inputs
    for place, found in zip(
        operation.sources, add(*given, *outputs[: operation.kept], *upstream, **attributes), strict=True
    ):
        source = given[place]
        absent = source.shape.num_elements() == 0  # these are never used, but their shape must be right
        gradients[place] = tf.zeros_like(source) if absent else tf.reshape(found, tf.shape(source))
    return gradients


def _second_derivative(operation, attributes, values, upstream):
    """The gradients with respect to the inputs of an operation's gradient: TensorFlow differentiates `plainly` twice.

    The kept values are computed from the other inputs, so they have no gradient of their own.
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
