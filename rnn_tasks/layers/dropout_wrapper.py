"""Dropout on what goes into and comes out of a recurrent layer."""

from __future__ import annotations

import keras


@keras.saving.register_keras_serializable(package="rnn_tasks")
class DropoutWrapper(keras.layers.Wrapper):
    """Wraps a recurrent layer; off at inference.

    Never on the state: dropout between the layers of a stack leaves what an LSTM remembers untouched.

    Args:
        layer: a recurrent layer that returns sequences.
        input_keep_prob: share of the inputs kept, the rest set to 0 and the kept scaled up to make good.
        output_keep_prob: the same for the outputs, the states excepted.
        variational_recurrent: one mask for all time steps of a sequence (Gal & Ghahramani 2016) instead of one each.
        seed: of the masks.

    Call arguments:
        sequences: (batch, time, features).
        initial_state, mask: handed to the layer.
        training: whether dropout is on.

    Returns:
        What the layer returns.

    References:
        Zaremba et al. 2014, "Recurrent Neural Network Regularization", equation 4.
    """

    def __init__(
        self,
        layer,
        input_keep_prob: float = 1.0,
        output_keep_prob: float = 1.0,
        variational_recurrent: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(layer, **kwargs)
        self.input_keep_prob, self.output_keep_prob = input_keep_prob, output_keep_prob
        self.variational_recurrent, self.seed = variational_recurrent, seed
        shape = (None, 1, None) if variational_recurrent else None
        self.input_dropout = keras.layers.Dropout(1.0 - input_keep_prob, noise_shape=shape, seed=seed)
        self.output_dropout = keras.layers.Dropout(1.0 - output_keep_prob, noise_shape=shape, seed=seed)
        self.supports_masking = True

    def call(self, sequences, initial_state=None, mask=None, training=False):
        sequences = self.input_dropout(sequences, training=training)
        results = self.layer(sequences, initial_state=initial_state, mask=mask, training=training)
        if not isinstance(results, (list, tuple)):
            return self.output_dropout(results, training=training)
        return [self.output_dropout(results[0], training=training), *results[1:]]

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        return self.layer.compute_output_shape(sequences_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "input_keep_prob": self.input_keep_prob,
            "output_keep_prob": self.output_keep_prob,
            "variational_recurrent": self.variational_recurrent,
            "seed": self.seed,
        }
