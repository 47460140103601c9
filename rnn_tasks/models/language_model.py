"""A language model: it predicts the next token of a text from all tokens before it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnn_tasks.choices import KernelInitializer, RecurrentInitializer, SequenceCell
from rnn_tasks.layers import run_with_weights_dropped
from rnn_tasks.layers.run import first_state
from rnn_tasks.models.cells import initializers, recurrent_layer
from rnn_tasks.models.stack import open_forget_gate, remember, seeds_of

IMPOSSIBLE = (0, 2)  # `<pad>` and `<go>` are never the next token of a text
States = list[list[Any]]
"""A list of states for each layer, each (batch, units)."""


@keras.saving.register_keras_serializable(package="rnn_tasks")
class LanguageModel(keras.Model):
    """Embedding, a stack of recurrent layers with states as inputs and outputs, and a projection to the vocabulary.

    Args:
        vocabulary: number of ids; 0 is `<pad>`, 2 `<go>`.
        units: width of every recurrent layer.
        layers: recurrent layers.
        cell: "lstm", "peephole_lstm", "gru", "simple_rnn" or "irnn".
        embedding_dim: length of a token's vector.
        kernel_initializer, recurrent_initializer, memory, forget_bias: as in `sequence_model`.
        dropout: dropped share of each layer's input and of the last layer's output, never of a state (Zaremba et al.
            2014); with `variational`, one mask for all steps of a batch (Gal & Ghahramani 2016).
        embedding_dropout: share of the vocabulary whose vectors are zero for a batch (Gal & Ghahramani 2016).
        recurrent_dropout: dropped share of the connections from state to state, one mask for each batch.
        weight_dropout: dropped share of the recurrent weights themselves, the same for all texts of a batch (Merity et
            al. 2018); not together with recurrent_dropout, and not for an irnn.
        variational: whether `dropout` keeps its masks over a batch's steps.
        tied: the projection's weights are the vectors (Press & Wolf 2017), after a linear layer if `units` and
            `embedding_dim` differ.
        initial_scale: all weights except biases start uniformly within ± this; with 0 the initializers set them.
        seed: of the initial weights and of dropout.

    Call arguments:
        inputs: (batch, time) int32 ids.
        training: whether dropout is on.

    Returns:
        Logits (batch, time, vocabulary) in float32 of the token after each input, with initial states of zeros;
        `hidden` takes and returns states.
    """

    def __init__(
        self,
        vocabulary: int,
        units: int = 256,
        layers: int = 1,
        cell: SequenceCell = "lstm",
        embedding_dim: int = 64,
        kernel_initializer: KernelInitializer = "default",
        recurrent_initializer: RecurrentInitializer = "default",
        memory: int = 0,
        forget_bias: float = 1.0,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        variational: bool = False,
        tied: bool = False,
        initial_scale: float = 0.0,
        seed: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.settings: dict[str, Any] = {
            "vocabulary": vocabulary,
            "units": units,
            "layers": layers,
            "cell": cell,
            "embedding_dim": embedding_dim,
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "memory": memory,
            "forget_bias": forget_bias,
            "dropout": dropout,
            "embedding_dropout": embedding_dropout,
            "recurrent_dropout": recurrent_dropout,
            "weight_dropout": weight_dropout,
            "variational": variational,
            "tied": tied,
            "initial_scale": initial_scale,
            "seed": seed,
        }
        seeds = seeds_of(seed)
        # In a projection, vectors need length 1. If they are only inputs, larger ones have more effect on the gates.
        vectors = keras.initializers.RandomNormal(stddev=embedding_dim**-0.5 if tied else 0.5, seed=next(seeds))
        self.embedding = keras.layers.Embedding(vocabulary, embedding_dim, embeddings_initializer=vectors)
        self.embedding.build((None, None))
        whole_words = keras.layers.Dropout(embedding_dropout, noise_shape=(vocabulary, 1), seed=next(seeds))
        self.embedding_dropout = whole_words
        kind = keras.layers.SpatialDropout1D if variational else keras.layers.Dropout
        self.dropouts = [kind(dropout, seed=next(seeds)) for _ in range(layers + 1)]
        self.weight_dropouts = [keras.layers.Dropout(weight_dropout, seed=next(seeds)) for _ in range(layers)]
        self.recurrent = []
        for number in range(layers):
            started = initializers(cell, kernel_initializer, recurrent_initializer, seeds)
            gate_seed = next(seeds)
            options = {"recurrent_dropout": recurrent_dropout, "seed": gate_seed} if recurrent_dropout else {}
            layer = recurrent_layer(
                cell,
                units,
                return_sequences=True,
                return_state=True,
                name=f"{cell}_{number + 1}",
                **started,
                **options,
            )
            layer.build((None, None, units if number else embedding_dim))
            if memory:
                remember(layer.cell, memory, gate_seed)
            elif forget_bias != 1.0:
                open_forget_gate(layer.cell, forget_bias)
            self.recurrent.append(layer)
        glorot = keras.initializers.GlorotUniform(seed=next(seeds))
        self.bridge = None
        width = units
        if tied and units != embedding_dim:
            self.bridge = keras.layers.Dense(embedding_dim, use_bias=False, kernel_initializer=glorot, name="bridge")
            self.bridge.build((None, None, units))
            width = embedding_dim
        self.output_width = width
        if tied:
            self.output_kernel = self.embedding.embeddings  # (vocabulary, output width)
        else:
            self.output_kernel = self.add_weight(shape=(vocabulary, width), initializer=glorot, name="output_kernel")
        self.output_bias = self.add_weight(shape=(vocabulary,), initializer="zeros", name="output_bias")
        if initial_scale:
            uniform = np.random.default_rng(seed)
            for weight in self.trainable_weights:
                if len(weight.shape) > 1 and "bias" not in weight.path:
                    weight.assign(uniform.uniform(-initial_scale, initial_scale, weight.shape))
        self.built = True

    @property
    def input(self):
        """A description of the inputs, as in functional models."""
        return keras.KerasTensor((None, None), "int32", name="inputs")

    def build(self, input_shape=None):  # everything was built on construction
        self.built = True

    def call(self, inputs, training=False):
        return self.logits(self.hidden(inputs, training=training)[0])

    def first_states(self, batch: Any) -> States:
        """The states before a text, zeros."""
        return [first_state(layer.cell, batch) for layer in self.recurrent]

    def hidden(self, ids, states: States | None = None, mask=None, training=False) -> tuple[Any, States]:
        """The inputs of the projection, and the states after the last step.

        Args:
            ids: (batch, time) int32.
            states: before the first step; zeros when None.
            mask: (batch, time) bool; False steps pass the states through.
            training: whether dropout is on.

        Returns:
            (batch, time, output width) and the states.
        """
        if training and self.settings["embedding_dropout"]:
            vectors = ops.take(self.embedding_dropout(self.embedding.embeddings, training=True), ids, axis=0)
        else:
            vectors = self.embedding(ids)  # (batch, time, embedding)
        states = self.first_states(ops.shape(ids)[0]) if states is None else states
        sequence, after = vectors, []
        for number, (layer, before) in enumerate(zip(self.recurrent, states, strict=True)):
            sequence = self.dropouts[number](sequence, training=training)
            if training and self.settings["weight_dropout"]:
                sequence, state = run_with_weights_dropped(layer, sequence, before, self.weight_dropouts[number])
            else:
                sequence, *state = layer(sequence, initial_state=before, mask=mask, training=training)
            after.append(list(state))
        sequence = self.dropouts[-1](sequence, training=training)
        return sequence if self.bridge is None else self.bridge(sequence), after

    def step(self, ids, states: States) -> tuple[Any, States]:
        """One step, dropout off: ids (batch,) and states -> logits (batch, vocabulary) and the new states."""
        vectors, after = self.embedding(ids), []
        for layer, before in zip(self.recurrent, states, strict=True):
            vectors, state = layer.cell(vectors, before, training=False)
            after.append(list(state) if isinstance(state, (list, tuple)) else [state])
        return self.logits(vectors if self.bridge is None else self.bridge(vectors)), after

    def logits(self, hidden):
        """(…, output width) -> logits (…, vocabulary), float32; `<pad>` and `<go>` are impossible."""
        kernel = ops.cast(self.output_kernel, hidden.dtype)
        flat = ops.matmul(ops.reshape(hidden, (-1, self.output_width)), ops.transpose(kernel))
        shaped = ops.reshape(flat, (*ops.shape(hidden)[:-1], kernel.shape[0]))
        return ops.cast(shaped, "float32") + self.possible_bias

    @property
    def possible_bias(self) -> tf.Tensor:
        """(vocabulary,) the output's bias, so low for `<pad>` and `<go>` that they have no probability."""
        excluded = np.isin(np.arange(self.settings["vocabulary"]), IMPOSSIBLE)
        return tf.where(excluded, tf.constant(-1e9), tf.convert_to_tensor(self.output_bias))

    def get_config(self):
        return {**super().get_config(), **self.settings}
