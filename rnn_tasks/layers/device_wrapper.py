"""A cell on a named device."""

from __future__ import annotations

import keras
import tensorflow as tf

from rnn_tasks.layers.cell_wrapper import CellWrapper
from rnn_tasks.layers.run import run_cell, step_cell


@keras.saving.register_keras_serializable(package="rnn_tasks")
class DeviceWrapper(CellWrapper):
    """Puts a cell's variables, first states and ops on a device.

    In a `MultiRNNCell` it puts each layer of a stack on its own device; sequences and states are copied between them.
    Only ops of the forward pass are placed: TensorFlow places those of the gradient.

    Args:
        cell: any cell, not built yet.
        device: as `tf.device` takes it, such as "GPU:1".

    Call arguments:
        inputs: (batch, features).
        states: the cell's.
        training: handed to the cell.

    Returns:
        output (batch, units), the cell's new states.

    Raises:
        ValueError: `device` is not the name of a device.

    References:
        `tf.nn.RNNCellDeviceWrapper`.
    """

    def __init__(self, cell, device: str, **kwargs):
        super().__init__(cell, **kwargs)
        tf.DeviceSpec.from_string(device)  # a ValueError that names the device
        self.device = device

    def build(self, input_shape):
        with tf.device(self.device):
            super().build(input_shape)

    def get_initial_state(self, batch_size=None):
        with tf.device(self.device):
            return super().get_initial_state(batch_size)

    def call(self, inputs, states, training=False):
        with tf.device(self.device):
            return step_cell(self.cell, inputs, states, training)

    def run(self, sequences, initial_state, mask=None, training=False):
        """A whole sequence; see `rnn_tasks.layers.run`."""
        with tf.device(self.device):
            return run_cell(self.cell, sequences, initial_state, mask, training)

    def get_config(self):
        return {**super().get_config(), "device": self.device}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        with tf.device(config["device"]):  # a cell that was saved with its variables creates them here
            return super().from_config(config, custom_objects)
