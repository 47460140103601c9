"""A recurrent layer over any cell."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnn_tasks.layers.attention_wrapper import AttentionWrapper, alignments
from rnn_tasks.layers.calls import BuiltOnce
from rnn_tasks.layers.kernels.tapes import differentiates_forwards
from rnn_tasks.layers.masking import beside, check_sequences, check_stream, masked_outputs, unmasked_steps
from rnn_tasks.layers.multi_rnn_cell import MultiRNNCell
from rnn_tasks.layers.recompute import draws_masks, run_in_chunks
from rnn_tasks.layers.run import loop_cell, output_size, run_cell, state_sizes
from rnn_tasks.layers.shapes import check_shape
from rnn_tasks.layers.shared_cells import belongs_to, mark_if_in_other_layers, reads_cells, writes_cells
from rnn_tasks.layers.shared_masks import keep_masks_apart, masks_of_its_own


@keras.saving.register_keras_serializable(package="rnn_tasks")
class RNN(BuiltOnce, keras.layers.RNN):
    """`keras.layers.RNN` with lengths, per-sample resets and a memory; it uses a cell's fast `run` if there is one.

    `unroll=True` is TensorFlow 1's `static_rnn`, `unroll=False` its `dynamic_rnn`. They give the same numbers, except
    where each step draws its own dropout masks: the order of drawing differs.

    Args:
        cell: a cell, or a list of cells for a `MultiRNNCell`.
        return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask: as Keras has them.
        alignment_history: return the alignments of all steps, too, for each `AttentionWrapper` within the cell, in the
            order in which the steps were taken; 0 where a step was masked.
        recompute_every: for long sequences: keep only the states at intervals of this many steps, and compute the rest
            again in the backward pass (TensorFlow 1's `swap_memory` moved it to the host instead). Needs a known time
            dimension.

    Call arguments:
        sequences: (batch, time, features).
        initial_state: nest of tensors like the cell's states, or None for the cell's default. Inside the nest, None is
            the default of one state: `[encoder_state, None, None]` for an `AttentionWrapper`.
        mask: (batch, time) bool; False steps pass the states through.
        training: whether dropout is on.
        sequence_length: (batch,) int; steps from there on are masked, too. The outputs then carry the combined mask.
        reset: (batch,) bool, for stateful layers: True for samples that start a new stream, with fresh states.
        memory: (batch, memory time, memory units); every `AttentionWrapper` within the cell attends to it.
        memory_mask: (batch, memory time) bool, True where there is memory.

    Returns:
        The output, (batch, units), or (batch, time, units) with `return_sequences`; then with `return_state` the final
        states, nested as the cell's; then with `alignment_history` the alignments, each (batch, time, memory time).

    Raises:
        ValueError: arguments that do not fit each other, the cell or a stateful layer's batch; attention without
            memory, or memory without attention.
    """

    def __init__(
        self,
        cell,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        alignment_history: bool = False,
        recompute_every: int | None = None,
        **kwargs,
    ):
        super().__init__(
            MultiRNNCell(cell) if isinstance(cell, (list, tuple)) else cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            **kwargs,
        )
        self.alignment_history, self.recompute_every = alignment_history, recompute_every
        belongs_to(self, self.cell)
        if alignment_history and not self._attention():
            raise ValueError(f"alignment_history is of an AttentionWrapper; {self.name} has none in its cell")
        if recompute_every is not None:
            self._check_recomputing(recompute_every)

    def build(self, sequences_shape, initial_state_shape=None, memory_shape=None):
        for wrapper in self._attention() if memory_shape is not None else []:
            wrapper.expect_memory(memory_shape[-1])
        keep_masks_apart(self.cell)
        if not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if not (self.stateful and self._attention()):
            super().build(sequences_shape)
            return
        if memory_shape is None or None in memory_shape:
            raise ValueError(f"{self.name} is stateful: its memory's shape must be known, found {memory_shape}")
        with self._attending(ops.zeros(memory_shape), None):  # alignments are as long as the memory
            super().build(sequences_shape)

    def reset_state(self):
        for state in keras.tree.flatten(self.states):  # Keras would treat them as a flat list
            state.assign(ops.zeros_like(state))

    def call(
        self,
        sequences,
        initial_state=None,
        mask=None,
        training=False,
        sequence_length=None,
        reset=None,
        memory=None,
        memory_mask=None,
    ):
        check_sequences(self.name, sequences)
        if self.stateful and initial_state is None:
            sequences = check_stream(self.name, sequences, keras.tree.flatten(self.states)[0].shape[0])
        if sequences.shape[1] is None and (self.unroll or self.recompute_every):
            what = "unrolls" if self.unroll else "recomputes in chunks"
            raise ValueError(f"{self.name} {what}, for which the time dimension must be known; found None")
        if memory is not None:
            check_shape(
                self.name, "memory", memory, (sequences.shape[0], None, None), "(batch, memory time, memory units)"
            )
        mask = unmasked_steps(self.name, sequences, mask, sequence_length)
        with self._attending(memory, memory_mask), masks_of_its_own(self.cell, training):
            before = self._first_state(sequences, initial_state, reset)
            last, outputs, after, *history = self.inner_loop(sequences, before, mask, training)
        if self.stateful:
            for kept, new in zip(keras.tree.flatten(self.states), keras.tree.flatten(after), strict=True):
                kept.assign(ops.cast(new, kept.dtype))
        output = ops.cast(outputs if self.return_sequences else last, self.compute_dtype)
        if self.return_sequences and sequence_length is not None:
            output._keras_mask = ops.flip(mask, axis=1) if self.go_backwards else mask
        after = keras.tree.map_structure(lambda state: ops.cast(state, self.compute_dtype), after)
        results = [output, *(after if self.return_state else []), *history]
        return tuple(results) if len(results) > 1 or self.return_state else output

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Last output, outputs and final states as in Keras, then the alignments of all steps if they are wanted."""
        if self.go_backwards:
            sequences = ops.flip(sequences, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        if self.unroll or self.alignment_history:
            outputs, states, *history = loop_cell(
                self.cell, sequences, initial_state, mask, training, self.unroll, self._record
            )
        elif self.recompute_every and sequences.shape[1] != 0 and not differentiates_forwards():
            outputs, states = run_in_chunks(self.cell, sequences, initial_state, mask, training, self.recompute_every)
            history = []
        else:
            (outputs, states), history = run_cell(self.cell, sequences, initial_state, mask, training), []
        if mask is not None:
            history = [tf.where(mask[:, :, None], found, tf.zeros_like(found)) for found in history]
        last, outputs = masked_outputs(outputs, mask, self.zero_output_for_mask, not self.return_sequences)
        return last, outputs, states, *history

    def compute_output_shape(self, sequences_shape, initial_state_shape=None, memory_shape=None):
        batch, time = sequences_shape[:2]
        memory_time = None if memory_shape is None else memory_shape[1]

        def state(size):
            return (batch, memory_time if size is None else size)

        output = (batch, time) if self.return_sequences else (batch,)
        shapes = [(*output, output_size(self.cell))]
        if self.return_state:
            shapes += keras.tree.map_structure(state, state_sizes(self.cell))
        if self.alignment_history:
            shapes += [(batch, time, memory_time) for _ in alignments(self.cell, state_sizes(self.cell))]
        return tuple(shapes) if len(shapes) > 1 or self.return_state else shapes[0]

    def compute_mask(self, _, mask):
        mask = keras.tree.flatten(mask)[0] if self.return_sequences else None
        return [mask] if self.return_state or self.alignment_history else mask

    @writes_cells
    def get_config(self):
        config = super().get_config()
        mark_if_in_other_layers(self.cell, config["cell"])
        return {**config, "alignment_history": self.alignment_history, "recompute_every": self.recompute_every}

    @classmethod
    @reads_cells
    def from_config(cls, config, custom_objects=None):
        return super().from_config(config, custom_objects)

    def _check_recomputing(self, steps: int) -> None:
        if steps < 1:
            raise ValueError(f"{self.name} recomputes every 1 step or more, found {steps}")
        if self.unroll or self.alignment_history or draws_masks(self.cell):
            raise ValueError(
                f"{self.name} recomputes what it does not keep, which goes neither with unroll or alignment_history "
                "nor with dropout inside the cell: put Dropout layers around it"
            )
        if self._attention():
            raise ValueError(f"{self.name} recomputes in chunks, which an AttentionWrapper's memory does not go with")

    def _attention(self) -> list[AttentionWrapper]:
        return [layer for layer in self.cell._flatten_layers() if isinstance(layer, AttentionWrapper)]

    def _record(self, states: Any) -> list[Any]:
        return alignments(self.cell, states) if self.alignment_history else []

    @contextlib.contextmanager
    def _attending(self, memory: Any, mask: Any) -> Iterator[None]:
        """Every AttentionWrapper holds this memory; without one, it keeps the memory that it already has."""
        if memory is None:
            yield
            return
        wrappers = self._attention()
        if not wrappers:
            raise ValueError(f"a memory is for an AttentionWrapper; {self.name} has none in its cell")
        with contextlib.ExitStack() as held:
            for wrapper in wrappers:
                held.enter_context(wrapper.attending(wrapper.project(memory, mask)))
            yield

    def _first_state(self, sequences: Any, given: Any, reset: Any) -> Any:
        """The states before the first step, nested as the cell's."""
        if reset is not None and (not self.stateful or given is not None):
            found = "initial_state was given beside it" if self.stateful else f"{self.name} is not stateful"
            raise ValueError(f"reset is for the states that a stateful layer carries on; {found}")
        fresh = self.get_initial_state(ops.shape(sequences)[0])
        starts = keras.tree.flatten(fresh)
        if given is None and self.stateful:
            given = [state.value for state in keras.tree.flatten(self.states)]
        states = [None] * len(starts) if given is None else keras.tree.flatten(given)
        if len(states) != len(starts):
            raise ValueError(f"{self.name} has {len(starts)} states, found {len(states)} in initial_state")
        for state, start in zip(states, starts, strict=True):
            if state is not None:
                check_shape(self.name, "a state", state, start.shape, "(batch, width)")
        states = [new if old is None else ops.cast(old, new.dtype) for old, new in zip(states, starts, strict=True)]
        if reset is not None:
            reset = tf.cast(reset, tf.bool)
            check_shape(self.name, "reset", reset, sequences.shape[:1], "(batch,)")
            states = [tf.where(beside(reset, old), new, old) for old, new in zip(states, starts, strict=True)]
        return keras.tree.pack_sequence_as(fresh, states)
