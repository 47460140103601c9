"""A recurrent layer that reads both ways."""

from __future__ import annotations

import keras

from rnn_tasks.layers.calls import BuiltOnce
from rnn_tasks.layers.masking import check_sequences, unmasked_steps


@keras.saving.register_keras_serializable(package="rnn_tasks")
class Bidirectional(BuiltOnce, keras.layers.Bidirectional):
    """`keras.layers.Bidirectional` that takes lengths: the way back begins at each sequence's own last step.

    Args:
        layer, merge_mode, weights, backward_layer: as Keras has them; any recurrent layer, of ours or of Keras'.

    Call arguments:
        sequences: (batch, time, features).
        initial_state: the states of the way forwards, then of the way back, in one flat list; None for the default.
        mask: (batch, time) bool; False steps pass the states through, and both ways give zeros there.
        training: whether dropout is on.
        sequence_length: (batch,) int; steps from there on are masked, too. The outputs then carry the combined mask.

    Returns:
        As in Keras: both outputs merged, (batch, units), or (batch, time, units) with `return_sequences`; two outputs
        where `merge_mode` is None; with `return_state`, the states of both ways follow.

    Raises:
        ValueError: a mask or lengths that do not fit the sequences; a `backward_layer` that contains a cell of `layer`.

    References:
        Schuster & Paliwal 1997, "Bidirectional Recurrent Neural Networks".
    """

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        if backward_layer is not None:
            parts = {id(part) for part in layer._flatten_layers()}
            for cell in [part for part in backward_layer._flatten_layers() if id(part) in parts]:
                raise ValueError(
                    f"{cell.name} cannot serve both ways: the way forwards goes through a copy of its layer, with a "
                    "cell of its own"
                )
        super().__init__(layer, merge_mode=merge_mode, weights=weights, backward_layer=backward_layer, **kwargs)

    def call(self, sequences, initial_state=None, mask=None, training=None, sequence_length=None):
        check_sequences(self.name, sequences)
        mask = unmasked_steps(self.name, sequences, mask, sequence_length)
        results = super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        if self.return_sequences and sequence_length is not None:
            merged = results[0] if self.return_state else results
            for output in results[:2] if self.merge_mode is None else [merged]:
                output._keras_mask = mask
        return results
