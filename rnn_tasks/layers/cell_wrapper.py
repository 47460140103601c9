"""The base class of all wrappers around a cell."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell  # not public, but what Keras' RNN looks for

from rnn_tasks.layers.run import first_state, output_size, state_sizes
from rnn_tasks.layers.shared_cells import deserialize, reads_cells, serialize, writes_cells
from rnn_tasks.layers.shared_masks import draw_masks, forget_masks, keep_masks_apart


class CellWrapper(DropoutRNNCell, keras.layers.Layer):
    """A cell around another cell: it has the states of that cell and, unless a subclass changes it, its output.

    Subclasses define `call` (one step) and `run` (a whole sequence, see `rnn_tasks.layers.run`), and serialise their
    own arguments. For Keras' RNN a wrapper is a cell with dropout masks: those of the cells inside it.

    Args:
        cell: any cell: a Keras layer with `state_size` and `call(inputs, states)`.

    Raises:
        ValueError: `cell` is not a cell.
    """

    def __init__(self, cell: keras.layers.Layer, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(cell, keras.layers.Layer) or not hasattr(cell, "state_size"):
            raise ValueError(f"{type(self).__name__} wraps a cell, a Keras layer with `state_size`; found {cell!r}")
        self.cell = cell

    @property
    def state_size(self) -> Any:
        return state_sizes(self.cell)

    @property
    def output_size(self) -> int:
        return output_size(self.cell)

    def build(self, input_shape):
        keep_masks_apart(self.cell)
        if not self.cell.built:
            self.cell.build(input_shape)

    def get_initial_state(self, batch_size=None):
        return first_state(self.cell, batch_size)

    def get_dropout_mask(self, step_input):
        draw_masks(self, ops.shape(step_input)[0])

    def get_recurrent_dropout_mask(self, step_input):
        return None  # drawn above

    def reset_dropout_mask(self):
        """Make the next sequence draw new masks; recurrent layers call this, and your own loops must call it, too."""
        forget_masks(self)

    def reset_recurrent_dropout_mask(self):
        return None  # done above

    @writes_cells
    def get_config(self):
        return {**super().get_config(), "cell": serialize(self.cell)}

    @classmethod
    @reads_cells
    def from_config(cls, config, custom_objects=None):
        return cls(deserialize(config.pop("cell"), custom_objects), **config)
