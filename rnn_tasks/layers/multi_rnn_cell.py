"""A stack of cells."""

from __future__ import annotations

import keras

from rnn_tasks.layers.run import first_state, run_cell, state_sizes, step_cell
from rnn_tasks.layers.shared_cells import deserialize, reads_cells, serialize, writes_cells
from rnn_tasks.layers.shared_masks import keep_masks_apart


@keras.saving.register_keras_serializable(package="rnn_tasks")
class MultiRNNCell(keras.layers.StackedRNNCells):
    """A cell that stacks cells; each reads the outputs of the cell below.

    A whole sequence goes through one cell after the other, so that each can use its fastest kernel.

    Args:
        cells: list of cells, the lowest first.

    Call arguments:
        inputs: (batch, features).
        states: a list with the states of each cell.
        training: handed to the cells.

    Returns:
        output of the uppermost cell (batch, units), and a list with the new states of each cell.

    Raises:
        ValueError: no cells.
    """

    def __init__(self, cells, **kwargs):
        if not cells:
            raise ValueError("MultiRNNCell stacks one cell or more; found none")
        super().__init__(cells, **kwargs)

    @property
    def state_size(self):
        return [state_sizes(cell) for cell in self.cells]

    def build(self, input_shape):
        keep_masks_apart(self)
        super().build(input_shape)

    def get_initial_state(self, batch_size=None):
        return [first_state(cell, batch_size) for cell in self.cells]

    def call(self, inputs, states, training=False):
        # Not Keras' own `call`: for a stack of one cell, it returns the states without the outer list.
        after = []
        for cell, before in zip(self.cells, states, strict=True):
            inputs, new = step_cell(cell, inputs, before, training)
            after.append(new)
        return inputs, after

    def run(self, sequences, initial_state, mask=None, training=False):
        """A whole sequence; see `rnn_tasks.layers.run`."""
        final = []
        for cell, before in zip(self.cells, initial_state, strict=True):
            sequences, new = run_cell(cell, sequences, before, mask, training)
            final.append(new)
        return sequences, final

    @writes_cells
    def get_config(self):
        return {**keras.layers.Layer.get_config(self), "cells": [serialize(cell) for cell in self.cells]}

    @classmethod
    @reads_cells
    def from_config(cls, config, custom_objects=None):
        cells = [deserialize(cell, custom_objects) for cell in config.pop("cells")]
        return cls(cells, **config)
