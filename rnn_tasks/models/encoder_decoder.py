"""Encoder-decoder: a source sequence becomes states and a memory, from which a target sequence is unrolled."""

from __future__ import annotations

import functools
from typing import Any, Literal, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from rnn_tasks import layers
from rnn_tasks.models.cells import RECURRENT, Cell

ATTENTIONS = {"luong": "LuongAttention", "bahdanau": "BahdanauAttention"}


class Memory(NamedTuple):
    """The encoded source: what the decoder's attention reads, the same at every step.

    Attributes:
        values: (batch, source time, units).
        keys: (batch, source time, units), `values` as the attention compares them.
        mask: (batch, source time) bool.
    """

    values: Any
    keys: Any
    mask: Any


class DecoderState(NamedTuple):
    """What the decoder remembers of a hypothesis.

    Attributes:
        layers: for each layer its states, each (batch, units).
        feed: (batch, output width), the last attentional vector; only with input feeding, else (batch, 0).
    """

    layers: Any
    feed: Any


@keras.saving.register_keras_serializable(package="rnn_tasks")
class EncoderDecoder(keras.Model):
    """Recurrent encoder-decoder with optional attention and input feeding.

    Ids are right-padded with 0; padding never changes a state, a loss or an output. The source comes as the
    encoder shall read it (reversing is the data's business).

    Args:
        source_vocabulary: number of source ids.
        target_vocabulary: number of target ids.
        cell: "lstm", "gru" or "simple_rnn".
        units: width of every encoder and decoder layer.
        layers: layers of the encoder and of the decoder.
        embedding_dim: width of the word vectors.
        bidirectional: each encoder layer reads both ways, with half of `units` each.
        attention: "none", "luong" or "bahdanau".
        input_feeding: the attentional vector is part of the next step's input.
        dropout: share of activations dropped at each layer's input and output, never on a state.
        tied: the output projection is the target embedding.

    Call arguments:
        inputs: {"source": (batch, source time), "target_in": (batch, target time)} int32 ids, `target_in` being
            `<go>` and the target (teacher forcing).
        training: whether dropout is on.

    Returns:
        Logits (batch, target time, target vocabulary) in float32.

    Raises:
        ValueError: `units` odd with a bidirectional encoder, or input feeding without attention.

    References:
        Sutskever et al. 2014, "Sequence to Sequence Learning with Neural Networks"; Luong et al. 2015, "Effective
        Approaches to Attention-based Neural Machine Translation" (attentional vector: equation 5, input feeding:
        section 3.3); Press & Wolf 2017, "Using the Output Embedding to Improve Language Models" (tied).
    """

    def __init__(
        self,
        source_vocabulary: int,
        target_vocabulary: int,
        cell: Cell = "lstm",
        units: int = 256,
        layers: int = 1,
        embedding_dim: int = 256,
        bidirectional: bool = True,
        attention: Literal["none", "luong", "bahdanau"] = "luong",
        input_feeding: bool = False,
        dropout: float = 0.0,
        tied: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if bidirectional and units % 2:
            raise ValueError(f"a bidirectional encoder halves units, which must be even; found {units}")
        if input_feeding and attention == "none":
            raise ValueError("input feeding feeds the attentional vector back and needs attention; found none")
        self.settings: dict[str, Any] = {
            "source_vocabulary": source_vocabulary,
            "target_vocabulary": target_vocabulary,
            "cell": cell,
            "units": units,
            "layers": layers,
            "embedding_dim": embedding_dim,
            "bidirectional": bidirectional,
            "attention": attention,
            "input_feeding": input_feeding,
            "dropout": dropout,
            "tied": tied,
        }
        self.input_feeding = input_feeding
        self.output_width = embedding_dim if tied else units
        self.source_embedding = _embedding(source_vocabulary, embedding_dim, "source_embedding")
        self.target_embedding = _embedding(target_vocabulary, embedding_dim, "target_embedding")
        encoder = [
            (_encoder_layer(cell, units, bidirectional, i), keras.layers.Dropout(dropout)) for i in range(layers)
        ]
        decoder = [(_decoder_layer(cell, units, i), keras.layers.Dropout(dropout)) for i in range(layers)]
        self.encoder, self.encoder_dropout = (list(kind) for kind in zip(*encoder, strict=True))
        self.decoder, self.decoder_dropout = (list(kind) for kind in zip(*decoder, strict=True))
        self.attention = _attention(attention, units)
        self.attentional = keras.layers.Dense(self.output_width, activation="tanh", use_bias=False, name="attentional")
        self.output_dropout = keras.layers.Dropout(dropout)
        self.feed_dropout = keras.layers.Dropout(dropout, noise_shape=(None, 1, None))
        self._build_layers()

    def _build_layers(self) -> None:
        # Every width is known here, so the model is whole as soon as it exists and loads without example inputs.
        s = self.settings

        def sequence(width: int) -> tuple[int | None, ...]:
            return (None, None, width)

        self.source_embedding.build((None, None))
        self.target_embedding.build((None, None))
        feed = self.output_width if self.input_feeding else 0
        for i in range(s["layers"]):
            self.encoder[i].build(sequence(s["units"] if i else s["embedding_dim"]))
            self.decoder[i].build(sequence(s["units"] if i else s["embedding_dim"] + feed))
        if self.attention is not None:
            self.attention.build(sequence(s["units"]), sequence(s["units"]))
        self.attentional.build(sequence(s["units"] * (1 if self.attention is None else 2)))
        if s["tied"]:
            self.output_kernel = self.target_embedding.embeddings  # (target vocabulary, embedding)
        else:
            self.output_kernel = self.add_weight(
                shape=(s["target_vocabulary"], self.output_width), initializer="glorot_uniform", name="output_kernel"
            )
        self.output_bias = self.add_weight(shape=(s["target_vocabulary"],), initializer="zeros", name="output_bias")
        self.built = True

    @property
    def input(self):
        """Inputs as functional models describe theirs."""
        ids = functools.partial(keras.KerasTensor, (None, None), "int32")
        return {"source": ids(name="source"), "target_in": ids(name="target_in")}

    def build(self, input_shape=None):  # everything was built on construction
        self.built = True

    def call(self, inputs, training=False):
        return self.logits(self.hidden(inputs, training=training))

    def hidden(self, inputs, training=False):
        """Attentional vectors (batch, target time, output width), what the output projection sees."""
        memory, state = self.encode(inputs["source"], training=training)
        if self.input_feeding:
            return self._unroll_with_feeding(inputs["target_in"], memory, state, training)
        sequence = self.target_embedding(inputs["target_in"])  # (batch, target time, embedding)
        mask = ops.not_equal(inputs["target_in"], 0)
        for layer, dropout, states in zip(self.decoder, self.decoder_dropout, state.layers, strict=True):
            sequence = dropout(sequence, training=training)
            sequence = layer(sequence, initial_state=states, mask=mask, training=training)[0]
        return self.output_dropout(self._attend(sequence, memory)[0], training=training)

    def logits(self, hidden):
        """Attentional vectors (…, output width) -> logits (…, target vocabulary), float32."""
        kernel = ops.cast(self.output_kernel, hidden.dtype)
        flat = ops.matmul(ops.reshape(hidden, (-1, self.output_width)), ops.transpose(kernel))
        shaped = ops.reshape(flat, (*ops.shape(hidden)[:-1], kernel.shape[0]))
        return ops.cast(shaped, "float32") + self.output_bias

    def encode(self, source, training=False) -> tuple[Memory, DecoderState]:
        """Source ids (batch, source time) -> memory, and the decoder's state before its first step."""
        mask = ops.not_equal(source, 0)
        sequence = self.source_embedding(source)  # (batch, source time, embedding)
        states = []
        for layer, dropout in zip(self.encoder, self.encoder_dropout, strict=True):
            sequence, *final = layer(dropout(sequence, training=training), mask=mask, training=training)
            if self.settings["bidirectional"]:
                half = len(final) // 2
                final = [ops.concatenate(pair, axis=-1) for pair in zip(final[:half], final[half:], strict=True)]
            states.append(final)
        keys = sequence if self.attention is None else self.attention.project(sequence)
        feed = ops.zeros((ops.shape(source)[0], self.output_width if self.input_feeding else 0), self.compute_dtype)
        return Memory(sequence, keys, mask), DecoderState(states, feed)

    def step(self, ids, state: DecoderState, memory: Memory) -> tuple[Any, DecoderState, Any]:
        """One step at inference: a `rnn_tasks.decoding.DecoderStep`.

        Args:
            ids: (batch,) int32, the tokens chosen last.
            state: of the step before, or from `encode`.
            memory: from `encode`.

        Returns:
            Log probabilities (batch, target vocabulary), the new state, alignment (batch, source time).
        """
        hidden, state, alignment = self._advance(self.target_embedding(ids), state, memory)
        return ops.log_softmax(self.logits(hidden), axis=-1), state, alignment

    def _advance(self, vectors, state: DecoderState, memory: Memory, input_masks=None):
        """Word vectors (batch, embedding) through the decoder's cells: attentional vector, state, alignment."""
        x = ops.concatenate([vectors, state.feed], axis=-1) if self.input_feeding else vectors
        states = []
        for i, (layer, before) in enumerate(zip(self.decoder, state.layers, strict=True)):
            x = x if input_masks is None else x * input_masks[i]
            x, after = layer.cell(x, before)
            states.append(list(after))
        hidden, alignment = self._attend(x[:, None], memory)
        hidden, alignment = hidden[:, 0], alignment[:, 0]
        return hidden, DecoderState(states, hidden if self.input_feeding else state.feed), alignment

    def _attend(self, queries, memory: Memory):
        """Decoder outputs (batch, time, units) -> attentional vectors (batch, time, output width) and alignments."""
        if self.attention is None:
            shape = (*ops.shape(queries)[:2], ops.shape(memory.mask)[1])
            return self.attentional(queries), ops.zeros(shape)
        context, alignment = self.attention(queries, memory.values, keys=memory.keys, mask=memory.mask)
        return self.attentional(ops.concatenate([queries, context], axis=-1)), alignment

    def _unroll_with_feeding(self, target_in, memory: Memory, state: DecoderState, training: bool):
        vectors = ops.transpose(self.target_embedding(target_in), (1, 0, 2))  # (target time, batch, embedding)
        steps = tf.shape(vectors)[0]
        masks = self._feeding_masks(vectors, training)

        def body(t, state, outputs):
            hidden, state, _ = self._advance(vectors[t], state, memory, masks)
            return t + 1, state, outputs.write(t, hidden)

        outputs = tf.TensorArray(self.compute_dtype, size=steps, element_shape=(target_in.shape[0], self.output_width))
        _, _, outputs = tf.while_loop(
            lambda t, *_: t < steps, body, (tf.constant(0), state, outputs), maximum_iterations=steps
        )
        hidden = ops.transpose(outputs.stack(), (1, 0, 2))  # (batch, target time, output width)
        return self.output_dropout(hidden, training=training)

    def _feeding_masks(self, vectors, training: bool):
        """One dropout mask a layer, the same at every step (Gal & Ghahramani 2016); None where dropout is off."""
        if not training or not self.settings["dropout"]:
            return None
        batch = ops.shape(vectors)[1]
        widths = [layer.cell.kernel.shape[0] for layer in self.decoder]
        ones = [ops.ones((batch, 1, width), self.compute_dtype) for width in widths]
        return [self.feed_dropout(one, training=True)[:, 0] for one in ones]

    def get_config(self):
        return {**super().get_config(), **self.settings}


def _embedding(vocabulary: int, dim: int, name: str):
    # Vectors of length 1. Keras' default, uniform in ±0.05, starts with a third of that, and learns a third as fast.
    vectors = keras.initializers.RandomNormal(stddev=dim**-0.5)
    return keras.layers.Embedding(vocabulary, dim, embeddings_initializer=vectors, name=name)


def _encoder_layer(cell: Cell, units: int, bidirectional: bool, index: int):
    name = f"encoder_{index}"
    width = units // 2 if bidirectional else units
    layer = RECURRENT[cell](width, return_sequences=True, return_state=True, name=f"{name}_{cell}")
    return keras.layers.Bidirectional(layer, name=f"{name}_both_ways") if bidirectional else layer


def _decoder_layer(cell: Cell, units: int, index: int):
    return RECURRENT[cell](units, return_sequences=True, return_state=True, name=f"decoder_{index}_{cell}")


def _attention(kind: str, units: int):
    return None if kind == "none" else getattr(layers, ATTENTIONS[kind])(units, name="attention")
