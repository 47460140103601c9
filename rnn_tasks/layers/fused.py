"""The base class of the fast LSTM, GRU and SimpleRNN: a kernel replaces Keras' inner loop where it is faster."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnn_tasks.layers.calls import BuiltOnce, restored
from rnn_tasks.layers.cell_run import Choice, check_features, choose, run_kernel
from rnn_tasks.layers.kernels.steps import Step
from rnn_tasks.layers.kernels.tapes import arrays_differentiate
from rnn_tasks.layers.masking import check_sequences, check_stream, masked_outputs, steps_of_mask
from rnn_tasks.layers.run import loop_cell
from rnn_tasks.layers.shapes import check_shape
from rnn_tasks.layers.shared_masks import forget_masks, keep_masks_apart


def choose_for_layer(layer: Any, step: Step, training: bool, batch: int | None = None) -> Choice:
    """`choose` for the layer's cell; "none" also where the layer's options (`unroll`, `use_cudnn`) need Keras."""
    if layer.unroll:
        return Choice("none", "unroll is True")
    if getattr(layer, "use_cudnn", None) is True:
        return Choice("none", "use_cudnn is True")
    return choose(layer.cell, step, training, batch)


class FusedLoop(BuiltOnce):
    """Mixed into a recurrent layer of Keras: its `inner_loop` uses a kernel where one applies, else Keras' own loop."""

    @property
    def step(self) -> Step:
        """The recurrence of the layer's cell; each subclass defines its own."""
        raise NotImplementedError

    def build(self: Any, sequences_shape, initial_state_shape=None):
        keep_masks_apart(self.cell)
        super().build(sequences_shape)  # type: ignore[misc]

    def call(self: Any, sequences, initial_state=None, mask=None, training=False):
        check_sequences(self.name, sequences)
        mask = steps_of_mask(self.name, sequences, mask)
        if self.stateful and initial_state is None:
            sequences = check_stream(self.name, sequences, self.states[0].shape[0])
        empty = sequences.shape[1] == 0
        if empty:  # Keras reads the first step, so we add one; it is masked and changes nothing
            sequences = tf.zeros((tf.shape(sequences)[0], 1, sequences.shape[2]), sequences.dtype)
            mask = tf.zeros(tf.shape(sequences)[:2], tf.bool)
        with restored([self.cell]):  # Keras draws a sequence's masks, and does not remove them if the call fails
            forget_masks(self.cell)
            results = super().call(  # type: ignore[misc]
                sequences, initial_state=initial_state, mask=mask, training=training
            )
        if not (empty and self.return_sequences):
            return results
        return (results[0][:, :0], *results[1:]) if self.return_state else results[:, :0]

    def inner_loop(self: Any, sequences, initial_state, mask, training=False):
        """Return the same as `keras.layers.RNN.inner_loop`: last output, outputs (batch, time, units), final states."""
        self._check_states(sequences, initial_state)
        check_features(self.name, sequences, self.cell)
        kernel = choose_for_layer(self, self.step, training, sequences.shape[0]).kernel
        if kernel == "none" and arrays_differentiate():
            if getattr(self, "use_cudnn", None) is True:
                self._check_right_padded(mask)
            return super().inner_loop(sequences, initial_state, mask, training=training)  # type: ignore[misc]
        if self.go_backwards:
            sequences = ops.flip(sequences, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        if kernel == "none":
            outputs, states = loop_cell(self.cell, sequences, initial_state, mask, training)
            last, outputs = masked_outputs(outputs, mask, self.zero_output_for_mask, not self.return_sequences)
            return last, outputs, states
        outputs, states = run_kernel(self.cell, sequences, initial_state, self.step, kernel, mask, training)
        if mask is not None:
            # Before its first unmasked step a sequence has no output, even where a state was given.
            started = tf.cumsum(tf.cast(mask, tf.int32), axis=1) > 0  # (batch, time)
            outputs = tf.where(started[:, :, None], outputs, tf.zeros_like(outputs))
            if self.zero_output_for_mask:
                outputs = tf.where(mask[:, :, None], outputs, tf.zeros_like(outputs))
        last = tf.reduce_sum(outputs[:, -1:], axis=1)  # a sum over one step, or over no step if the sequence is empty
        return last, outputs if self.return_sequences else last[:, None], states

    def _check_states(self: Any, sequences: Any, states: Any) -> None:
        for state in keras.tree.flatten(states):
            check_shape(self.name, "states", state, (sequences.shape[0], self.cell.units), "(batch, units)")

    def _check_right_padded(self: Any, mask: Any) -> None:
        """Refuse a mask that cuDNN cannot handle; Keras checks a mask whose values are not known yet."""
        if mask is None or not tf.is_tensor(mask) or not hasattr(mask, "numpy"):
            return
        steps = mask.numpy().astype(bool)
        lengths = steps.sum(axis=1)
        padded = np.arange(steps.shape[1]) < lengths[:, None]
        wrong = np.flatnonzero((steps != padded).any(axis=1) | (lengths == 0))
        if len(wrong):
            raise ValueError(
                f"{self.name} has use_cudnn=True, and cuDNN takes masks (batch, time) that are True from each sample's "
                f"first step up to its length and False from there on; found {steps.astype(int)[wrong[0]].tolist()} "
                f"in row {wrong[0]} of a mask {tuple(steps.shape)}"
            )
