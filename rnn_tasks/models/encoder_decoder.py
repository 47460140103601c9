"""Encoder-decoder: a source sequence becomes states and a memory, from which a target sequence is unrolled."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

from rnn_tasks import layers
from rnn_tasks.choices import Attention, Cell
from rnn_tasks.decoding.protocol import DecoderStep
from rnn_tasks.layers.attention_wrapper import AttentionMemory
from rnn_tasks.layers.run import step_cell
from rnn_tasks.layers.shared_masks import one_mask_a_sequence
from rnn_tasks.models.cells import CELLS, RECURRENT

ATTENTIONS = {"luong": "LuongAttention", "bahdanau": "BahdanauAttention"}


@keras.saving.register_keras_serializable(package="rnn_tasks")
class EncoderDecoder(keras.Model):
    """Recurrent encoder-decoder with optional attention and input feeding.

    Ids are right-padded with 0; padding never changes a state, a loss or an output. The encoder reads the source in the
    given order; the data pipeline reverses it if wanted.

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
        dropout: share of activations dropped at each layer's input and output, never on a state. With input feeding a
            decoder layer's input has one mask for the whole sequence (Gal & Ghahramani 2016).
        tied: the output projection is the target embedding.

    Call arguments:
        inputs: {"source": (batch, source time), "target_in": (batch, target time)} int32 ids; `target_in` is `<go>`
            followed by the target (teacher forcing).
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
        attention: Attention = "luong",
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
        self.output_width = embedding_dim if tied else units
        self.source_embedding = _embedding(source_vocabulary, embedding_dim, "source_embedding")
        self.target_embedding = _embedding(target_vocabulary, embedding_dim, "target_embedding")
        self.encoder = [_encoder_layer(cell, units, bidirectional, i) for i in range(layers)]
        self.encoder_dropout = [keras.layers.Dropout(dropout) for _ in range(layers)]
        self.attends = attention != "none"
        self.decoder = _decoder(self.settings, self.output_width)
        self.output_dropout = keras.layers.Dropout(dropout)
        self._build_layers()

    def _build_layers(self) -> None:
        # Every width is known here, so the model is whole as soon as it exists and loads without example inputs.
        s = self.settings
        self.source_embedding.build((None, None))
        self.target_embedding.build((None, None))
        for i, layer in enumerate(self.encoder):
            layer.build((None, None, s["units"] if i else s["embedding_dim"]))
        self.decoder.build((None, None, s["embedding_dim"]), memory_shape=(None, None, s["units"]))
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
        """A description of the inputs, as in functional models."""
        ids = functools.partial(keras.KerasTensor, (None, None), "int32")
        return {"source": ids(name="source"), "target_in": ids(name="target_in")}

    def build(self, input_shape=None):  # everything was built on construction
        self.built = True

    def call(self, inputs, training=False):
        return self.logits(self.hidden(inputs, training=training))

    def hidden(self, inputs, training=False):
        """Attentional vectors (batch, target time, output width), the inputs of the output projection."""
        memory, state = self.encode(inputs["source"], training=training)
        vectors = self.target_embedding(inputs["target_in"])  # (batch, target time, embedding)
        with self._attending(memory):
            # No mask is needed: padding follows the target, and the states after it are not used.
            hidden = self.decoder(vectors, initial_state=state, training=training)
        return self.output_dropout(hidden, training=training)

    def continued(self, target_in, state, memory: AttentionMemory) -> tuple[Any, Any]:
        """Attentional vectors of further target steps, dropout off.

        Args:
            target_in: (batch, steps) int32 ids, each the token before the next one to write.
            state: before the first of these steps, from `encode`, `step` or `continued`.
            memory: from `encode`.

        Returns:
            (batch, steps, output width), and the state after the last step.
        """
        with self._attending(memory):
            _, hidden, after, *_ = self.decoder.inner_loop(self.target_embedding(target_in), state, None)
        return hidden, after

    def logits(self, hidden):
        """Attentional vectors (…, output width) -> logits (…, target vocabulary), float32."""
        kernel = ops.cast(self.output_kernel, hidden.dtype)
        flat = ops.matmul(ops.reshape(hidden, (-1, self.output_width)), ops.transpose(kernel))
        shaped = ops.reshape(flat, (*ops.shape(hidden)[:-1], kernel.shape[0]))
        return ops.cast(shaped, "float32") + self.output_bias

    def encode(self, source, training=False) -> tuple[AttentionMemory, list[Any]]:
        """Source ids (batch, source time) -> memory, and the states of the decoder's cell before its first step."""
        mask = ops.not_equal(source, 0)
        sequence = self.source_embedding(source)  # (batch, source time, embedding)
        states = []
        for layer, dropout in zip(self.encoder, self.encoder_dropout, strict=True):
            sequence, *final = layer(dropout(sequence, training=training), mask=mask, training=training)
            if self.settings["bidirectional"]:
                half = len(final) // 2
                final = [ops.concatenate(pair, axis=-1) for pair in zip(final[:half], final[half:], strict=True)]
            states.append(final)
        first = states if len(states) > 1 else states[0]
        if not self.attends:
            return AttentionMemory(sequence, sequence, mask), first
        memory = self.decoder.cell.project(sequence, mask)
        with self._attending(memory):
            _, *attention = self.decoder.cell.get_initial_state(ops.shape(source)[0])
        return memory, [first, *attention]

    def step(self, ids, state, memory: AttentionMemory, training=False) -> tuple[Any, Any, Any]:
        """One step: a `rnn_tasks.decoding.DecoderStep`.

        Args:
            ids: (batch,) int32, the tokens chosen last.
            state: of the step before, or from `encode`.
            memory: from `encode`.
            training: whether dropout is on, with masks of this step's own; for several steps see `training_step`.

        Returns:
            Log probabilities (batch, target vocabulary), the new state, alignment (batch, source time) in float32.
        """
        with one_mask_a_sequence(self.decoder.cell, ops.shape(ids)[0], training):
            return self._step(ids, state, memory, training)

    @contextlib.contextmanager
    def training_step(self, memory: AttentionMemory) -> Iterator[DecoderStep]:
        """A `step` with dropout as in `call`: inside the block, masks that a sequence shares stay the same."""
        with one_mask_a_sequence(self.decoder.cell, ops.shape(memory.mask)[0], training=True):
            yield functools.partial(self._step, training=True)

    def _step(self, ids, state, memory, training):
        with self._attending(memory):
            hidden, state = step_cell(self.decoder.cell, self.target_embedding(ids), state, training)
        hidden = self.output_dropout(hidden, training=training)
        alignment = state[-1] if self.attends else ops.zeros_like(memory.mask)
        return ops.log_softmax(self.logits(hidden), axis=-1), state, ops.cast(alignment, "float32")

    def _attending(self, memory: AttentionMemory):
        return self.decoder.cell.attending(memory) if self.attends else contextlib.nullcontext()

    def get_config(self):
        return {**super().get_config(), **self.settings}


def _embedding(vocabulary: int, dim: int, name: str):
    # Vectors of length 1. With Keras' default, uniform in ±0.05, they have a third of it and learn a third as fast.
    vectors = keras.initializers.RandomNormal(stddev=dim**-0.5)
    return keras.layers.Embedding(vocabulary, dim, embeddings_initializer=vectors, name=name)


def _encoder_layer(cell: Cell, units: int, bidirectional: bool, index: int):
    name = f"encoder_{index}"
    width = units // 2 if bidirectional else units
    layer = RECURRENT[cell](width, return_sequences=True, return_state=True, name=f"{name}_{cell}")
    return keras.layers.Bidirectional(layer, name=f"{name}_both_ways") if bidirectional else layer


def _decoder(settings: dict[str, Any], width: int) -> layers.RNN:
    """The decoder as a layer over one cell; `step` runs a single step of this cell."""
    kind, units, feeding = settings["cell"], settings["units"], settings["input_feeding"]
    cells = [CELLS[kind](units, name=f"decoder_{i}_{kind}") for i in range(settings["layers"])]
    if settings["dropout"]:
        keep = 1.0 - settings["dropout"]
        cells = [layers.DropoutWrapper(cell, keep, variational_recurrent=feeding) for cell in cells]
    # Not a stack of one: a bare LSTM has a native kernel with input feeding.
    cell = layers.MultiRNNCell(cells) if len(cells) > 1 else cells[0]
    if settings["attention"] == "none":
        cell = layers.OutputProjectionWrapper(cell, width, activation="tanh", use_bias=False)
    else:
        attention = getattr(layers, ATTENTIONS[settings["attention"]])(units, name="attention")
        cell = layers.AttentionWrapper(cell, attention, width, activation="tanh", input_feeding=feeding)
    return layers.RNN(cell, return_sequences=True, name="decoder")
