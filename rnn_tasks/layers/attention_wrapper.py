"""Attention inside a cell."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from rnn_tasks.layers.bahdanau_attention import BahdanauAttention
from rnn_tasks.layers.calls import keep, kept, restored
from rnn_tasks.layers.cell_run import choose
from rnn_tasks.layers.cell_wrapper import CellWrapper
from rnn_tasks.layers.kernels.native_attention import decode_natively
from rnn_tasks.layers.kernels.steps import LSTM_STEP
from rnn_tasks.layers.luong_attention import LuongAttention
from rnn_tasks.layers.masking import beside, last_unmasked
from rnn_tasks.layers.run import loop_cell, output_size, run_cell, step_cell
from rnn_tasks.layers.shared_cells import deserialize, reads_cells, serialize, writes_cells


class AttentionMemory(NamedTuple):
    """A memory that `AttentionWrapper.project` has prepared: a nest of tensors, for use in loops and searches.

    Attributes:
        values: (batch, memory time, memory units).
        keys: (batch, memory time, units), `values` as the attention compares them.
        mask: (batch, memory time) bool, or None for all True; loops and searches need a tensor.
    """

    values: Any
    keys: Any
    mask: Any


@keras.saving.register_keras_serializable(package="rnn_tasks")
class AttentionWrapper(CellWrapper):
    """A cell that looks at a memory, such as an encoder's outputs, at every step.

    The cell's output is the query. The attention reads the context with it. The attention vector is
    activation([output; context] W) with `attention_units`, else the context itself. Give the memory to the layer,
    `RNN(wrapper)(sequences, memory=memory, memory_mask=mask)`, or step within `attending(project(memory, mask))`.

    Args:
        cell: any cell.
        attention: `LuongAttention`, `BahdanauAttention` or a layer with their `project` and call.
        attention_units: width of the attention vector; None leaves the context as it is.
        activation: of the attention vector, as in `keras.layers.Dense`; Luong et al. use "tanh", TensorFlow 1 none.
        input_feeding: the cell's input is [input; attention vector of the step before]. Without it, a whole sequence
            goes through the cell first and attends afterwards, at once.
        output_attention: the output is the attention vector; False gives the cell's output.

    Call arguments:
        inputs: (batch, features).
        states: the cell's states, attention vector (batch, attention units), alignment (batch, memory time).
        training: handed to the cell.

    Returns:
        output (batch, attention units), the new states. `RNN` with `alignment_history=True` returns the alignments of
        all steps.

    Raises:
        ValueError: no memory, or a memory of another width than before; an activation without `attention_units`.

    References:
        Luong et al. 2015, "Effective Approaches to Attention-based Neural Machine Translation" (attention vector:
        equation 5, input feeding: section 3.3); as in `tfa.seq2seq.AttentionWrapper`.
    """

    def __init__(
        self,
        cell,
        attention: keras.layers.Layer,
        attention_units: int | None = None,
        activation=None,
        input_feeding: bool = True,
        output_attention: bool = True,
        **kwargs,
    ):
        super().__init__(cell, **kwargs)
        if activation is not None and attention_units is None:
            raise ValueError("activation is of the attention vector, which needs attention_units; found None")
        self.attention, self.attention_units = attention, attention_units
        self.activation = keras.activations.get(activation)
        self.input_feeding, self.output_attention = input_feeding, output_attention
        if attention_units is not None:
            self.attention_layer = keras.layers.Dense(
                attention_units, activation=activation, use_bias=False, dtype=self.dtype_policy, name="attention_layer"
            )
        self.memory_width: int | None = None

    @property
    def state_size(self) -> Any:
        """Widths of the states; None for a width that depends on the memory."""
        return [super().state_size, self._attention_width(), None]

    @property
    def output_size(self) -> Any:
        return self._attention_width() if self.output_attention else output_size(self.cell)

    def expect_memory(self, width: int) -> None:
        """Set the memory's width; it must be known before the wrapper is built."""
        if self.memory_width not in (None, width):
            raise ValueError(f"{self.name} was built for a memory of width {self.memory_width}, found {width}")
        self.memory_width = width

    def project(self, memory: Any, mask: Any = None) -> AttentionMemory:
        """Prepare a memory, once for all the steps that will attend to it.

        Args:
            memory: (batch, memory time, memory units).
            mask: (batch, memory time) bool, True where there is memory.

        Raises:
            ValueError: the shapes do not fit.
        """
        memory = tf.cast(memory, self.compute_dtype)
        if len(memory.shape) != 3 or memory.shape[-1] is None:
            raise ValueError(f"{self.name} takes a memory (batch, time, units), found {tuple(memory.shape)}")
        if mask is not None:
            mask = tf.cast(mask, tf.bool)
            if not mask.shape.is_compatible_with(memory.shape[:2]):
                raise ValueError(
                    f"{self.name} takes a memory mask (batch, time) = {tuple(memory.shape[:2])}, "
                    f"found {tuple(mask.shape)}"
                )
        self.expect_memory(memory.shape[-1])
        self._build_attention()
        return AttentionMemory(memory, self.attention.project(memory), mask)

    @contextlib.contextmanager
    def attending(self, memory: AttentionMemory) -> Iterator[None]:
        """Inside the block, the wrapper attends to this memory from `project`; afterwards, to its earlier memory.

        This holds for this thread only. A function that is traced inside the block keeps the memory of its trace. So
        make the memory an argument of the function, and enter `attending` inside the function.

        Raises:
            ValueError: the memory is not from `project`.
        """
        if not isinstance(memory, AttentionMemory):
            raise ValueError(f"{self.name} attends to what its project gives, found {type(memory).__name__}")
        with restored([self]):
            keep(self, memory)
            yield

    def setup_memory(self, memory: Any, mask: Any = None) -> None:
        """Project a memory and attend to it in this thread, until another is set up or `drop_memory` is called.

        The arguments are those of `project`.
        """
        keep(self, self.project(memory, mask))

    def drop_memory(self) -> None:
        """Drop the memory of this thread."""
        keep(self, None)

    def build(self, input_shape):
        if self.memory_width is None:
            raise ValueError(self._no_memory())
        self._build_attention()
        fed = self._attention_width() if self.input_feeding else 0
        super().build((input_shape[0], input_shape[-1] + fed))
        if self.attention_units is not None:
            self.attention_layer.build((input_shape[0], output_size(self.cell) + self.memory_width))

    def get_initial_state(self, batch_size=None):
        memory = self._held()
        widths = self._attention_width(), ops.shape(memory.values)[1]
        zeros = [ops.zeros((batch_size, width), self.compute_dtype) for width in widths]
        return [super().get_initial_state(batch_size), *zeros]

    def call(self, inputs, states, training=False):
        before, attention, _ = states
        if self.input_feeding:
            inputs = ops.concatenate([inputs, attention], axis=-1)
        output, after = step_cell(self.cell, inputs, before, training)
        attention, alignment = self._attend(output[:, None])
        attention, alignment = attention[:, 0], alignment[:, 0]
        return attention if self.output_attention else output, [after, attention, alignment]

    def run(self, sequences, initial_state, mask=None, training=False):
        """A whole sequence; see `rnn_tasks.layers.run`."""
        if self.input_feeding:  # each step needs the attention vector of the step before
            if self.reason_against_kernel(training):
                return loop_cell(self, sequences, initial_state, mask, training)
            return self._run_natively(sequences, initial_state, mask)
        before, *others = initial_state
        outputs, after = run_cell(self.cell, sequences, before, mask, training)
        results = self._attend(outputs)
        if mask is None:
            mask = tf.ones(tf.shape(outputs)[:2], tf.bool)
        some = tf.reduce_any(mask, axis=1)
        final = [
            tf.where(beside(some, other), last_unmasked(result, mask), other)
            for result, other in zip(results, others, strict=True)
        ]
        return results[0] if self.output_attention else outputs, [after, *final]

    def reason_against_kernel(self, training: bool) -> str | None:
        """The reason why input feeding runs step by step; None where a native kernel runs it."""
        cell: Any = self.cell
        attention = self.attention
        if getattr(cell, "step", None) is not LSTM_STEP:
            return f"the native decoder with input feeding is around an LSTMCell, not {type(cell).__name__}"
        if type(attention) not in (LuongAttention, BahdanauAttention):
            return (
                "the native decoder with input feeding has LuongAttention or BahdanauAttention, "
                f"not {type(attention).__name__}"
            )
        if self.attention_units is None or not self.output_attention:
            return "the native decoder with input feeding has attention_units and gives the attention vector"
        if self.activation not in (keras.activations.linear, keras.activations.tanh):
            return f"the attention vector's activation is {self.activation.__name__}, neither tanh nor none"
        precisions = {self.compute_dtype, cell.compute_dtype, attention.compute_dtype}
        if cell.dropout or cell.recurrent_dropout or len(precisions) > 1:
            return "the native decoder with input feeding has no dropout and one precision for all of it"
        return choose(cell, cell.step, training).reason

    def _run_natively(self, sequences, initial_state, mask):
        def single(value):
            return ops.cast(value, "float32")

        memory, cell = self._held(), self.cell
        if isinstance(self.attention, BahdanauAttention):
            keys, asking = self.attention.additive_terms(single(memory.keys))
        else:
            keys, asking = single(memory.keys) * (self.attention.units**-0.5 if self.attention.scaled else 1.0), ()
        decoded = decode_natively(
            single(sequences),
            tuple(single(state) for state in keras.tree.flatten(initial_state)),
            single(cell.kernel),
            single(cell.recurrent_kernel),
            ops.zeros((4 * cell.units,)) if cell.bias is None else single(cell.bias),
            keys,
            single(memory.values),
            single(self.attention_layer.kernel),
            self.activation is keras.activations.tanh,
            memory.mask,
            mask,
            self.compute_dtype == "bfloat16",
            *map(single, asking),
        )
        vectors, *final = (ops.cast(value, self.compute_dtype) for value in decoded)
        return vectors, keras.tree.pack_sequence_as(initial_state, final)

    @writes_cells
    def get_config(self):
        return {
            **super().get_config(),
            "attention": serialize(self.attention),
            "attention_units": self.attention_units,
            "activation": None if self.attention_units is None else keras.activations.serialize(self.activation),
            "input_feeding": self.input_feeding,
            "output_attention": self.output_attention,
        }

    @classmethod
    @reads_cells
    def from_config(cls, config, custom_objects=None):
        config["attention"] = deserialize(config["attention"], custom_objects)
        return super().from_config(config, custom_objects)

    def get_build_config(self):
        config = super().get_build_config()
        return config and {**config, "memory_width": self.memory_width}

    def build_from_config(self, config):
        self.expect_memory(config["memory_width"])
        self.build(config["input_shape"])

    def _attend(self, queries):
        """Cell outputs (batch, time, units) -> attention vectors (batch, time, attention units) and alignments."""
        memory = self._held()
        queries = ops.cast(queries, self.compute_dtype)
        context, alignment = self.attention(queries, memory.values, keys=memory.keys, mask=memory.mask)
        if self.attention_units is None:
            attention = context
        else:
            attention = self.attention_layer(ops.concatenate([queries, context], axis=-1))
        return ops.cast(attention, self.compute_dtype), ops.cast(alignment, self.compute_dtype)

    def _build_attention(self) -> None:
        if not self.attention.built:
            self.attention.build((None, None, output_size(self.cell)), (None, None, self.memory_width))

    def _attention_width(self) -> int | None:
        return self.memory_width if self.attention_units is None else self.attention_units

    def _held(self) -> AttentionMemory:
        memory = kept(self)
        if memory is None:
            raise ValueError(self._no_memory())
        return memory

    def _no_memory(self) -> str:
        return (
            f"{self.name} has no memory: give one to its RNN, rnn(sequences, memory=memory), or step within "
            "attending(project(memory))"
        )


def alignments(cell: keras.layers.Layer, states: Any) -> list[Any]:
    """The alignments (batch, memory time) among a cell's states, one for each AttentionWrapper in it, in order."""
    if isinstance(cell, keras.layers.StackedRNNCells):
        return [found for below, own in zip(cell.cells, states, strict=True) for found in alignments(below, own)]
    if isinstance(cell, AttentionWrapper):
        return [*alignments(cell.cell, states[0]), states[2]]
    return alignments(cell.cell, states) if isinstance(cell, CellWrapper) else []
