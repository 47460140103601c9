"""Dropout on the inputs, outputs and states of a cell."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnn_tasks.layers.attention_wrapper import AttentionWrapper
from rnn_tasks.layers.calls import keep, kept
from rnn_tasks.layers.cell_wrapper import CellWrapper
from rnn_tasks.layers.run import loop_cell, output_size, run_cell, step_cell
from rnn_tasks.layers.shared_masks import one_mask_a_sequence


@keras.saving.register_keras_serializable(package="rnn_tasks")
class DropoutWrapper(CellWrapper):
    """Sets random shares of a cell's inputs, outputs and states to 0 and scales up the rest; off at inference.

    Args:
        cell: any cell.
        input_keep_prob: share of the inputs kept.
        output_keep_prob: share of the outputs kept; the states are not touched.
        state_keep_prob: share of the new states kept, before the next step sees them.
        variational_recurrent: one mask for all time steps of a sequence (Gal & Ghahramani 2016), not one for each step.
        state_filter: nest of bool like the cell's states: `state_keep_prob` applies to the states with True. None
            selects the first state of each cell (its output), but not an LSTM's c, an attention vector or an alignment.
        seed: of the masks.

    Call arguments:
        inputs: (batch, features).
        states: the cell's.
        training: whether dropout is on.

    Returns:
        output (batch, units), the cell's new states.

    Raises:
        ValueError: a probability outside (0, 1], or a `state_filter` that does not fit the states.

    References:
        Zaremba et al. 2014, "Recurrent Neural Network Regularization", equation 4; Gal & Ghahramani 2016, "A
        Theoretically Grounded Application of Dropout in Recurrent Neural Networks"; as in
        `tf.nn.rnn_cell.DropoutWrapper`.
    """

    def __init__(
        self,
        cell,
        input_keep_prob: float = 1.0,
        output_keep_prob: float = 1.0,
        state_keep_prob: float = 1.0,
        variational_recurrent: bool = False,
        state_filter: Any = None,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(cell, **kwargs)
        self.input_keep_prob = _probability("input_keep_prob", input_keep_prob)
        self.output_keep_prob = _probability("output_keep_prob", output_keep_prob)
        self.state_keep_prob = _probability("state_keep_prob", state_keep_prob)
        self.variational_recurrent, self.state_filter, self.seed = variational_recurrent, state_filter, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._droppable = tuple(keras.tree.flatten(_outputs_of(cell) if state_filter is None else state_filter))
        states = len(keras.tree.flatten(cell.state_size))
        if len(self._droppable) != states:
            raise ValueError(f"state_filter of {len(self._droppable)} for a cell with {states} states")

    def build(self, input_shape):
        super().build(input_shape)
        self.input_width = input_shape[-1]

    def call(self, inputs, states, training=False):
        if not training:
            return step_cell(self.cell, inputs, states)
        self.draw_own_masks(ops.shape(inputs)[0])
        output, states = step_cell(self.cell, self._drop("input", inputs), states, training)
        flat = keras.tree.flatten(states)
        flat = [self._drop(f"state {i}", s) if self._droppable[i] else s for i, s in enumerate(flat)]
        return self._drop("output", output), keras.tree.pack_sequence_as(states, flat)

    def run(self, sequences, initial_state, mask=None, training=False):
        """A whole sequence; see `rnn_tasks.layers.run`."""
        if not training:
            return run_cell(self.cell, sequences, initial_state, mask)
        if self.state_keep_prob < 1.0:  # a step must see the states with the dropout of the step before
            return loop_cell(self, sequences, initial_state, mask, training)
        with one_mask_a_sequence(self, ops.shape(sequences)[0], training):
            outputs, states = run_cell(self.cell, self._drop("input", sequences), initial_state, mask, training)
            return self._drop("output", outputs), states

    def draw_own_masks(self, batch_size: Any) -> None:
        """Draw the masks for a whole sequence, unless it has them or each step draws its own."""
        if not self.variational_recurrent or kept(self) is not None:
            return
        states = enumerate(keras.tree.flatten(self.cell.state_size))
        widths = {"input": self.input_width, "output": output_size(self.cell)}
        widths |= {f"state {i}": width for i, width in states if self._droppable[i]}
        masks = {
            what: self._dropout(what, ops.ones((batch_size, width), self.compute_dtype))
            for what, width in widths.items()
        }
        keep(self, masks)

    def forget_own_masks(self) -> None:
        """Make the next sequence draw new masks."""
        keep(self, None)

    def get_config(self):
        return {
            **super().get_config(),
            "input_keep_prob": self.input_keep_prob,
            "output_keep_prob": self.output_keep_prob,
            "state_keep_prob": self.state_keep_prob,
            "variational_recurrent": self.variational_recurrent,
            "state_filter": self.state_filter,
            "seed": self.seed,
        }

    def _drop(self, what: str, values):
        """`what` is "input", "output" or "state 0"; values (batch, units), or (batch, time, units) at once."""
        masks = kept(self)
        if masks is None:
            return self._dropout(what, values)
        mask = ops.cast(masks[what], values.dtype)
        return values * (mask if len(values.shape) == 2 else mask[:, None])

    def _dropout(self, what: str, values):
        rate = 1.0 - getattr(self, f"{what.split()[0]}_keep_prob")
        return keras.random.dropout(values, rate, seed=self.seed_generator) if rate else values


def _outputs_of(cell: keras.layers.Layer) -> Any:
    """Nest of bool like a cell's states: the first of each cell."""
    if isinstance(cell, keras.layers.StackedRNNCells):
        return [_outputs_of(below) for below in cell.cells]
    if isinstance(cell, AttentionWrapper):
        return [_outputs_of(cell.cell), False, False]
    if isinstance(cell, CellWrapper):
        return _outputs_of(cell.cell)
    return [i == 0 for i in range(len(keras.tree.flatten(cell.state_size)))]


def _probability(name: str, value: float) -> float:
    if not 0.0 < value <= 1.0:
        raise ValueError(f"{name} is a share above 0 and up to 1; found {value}")
    return value
