"""Config sections that tasks of one shape share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from rnn_tasks.choices import Attention, Cell, KernelInitializer, Pooling, RecurrentInitializer, SequenceCell
from rnn_tasks.config import Section, TaskConfig, TrainingConfig
from rnn_tasks.errors import UserError
from rnn_tasks.text.config import PairsConfig


def samples_fewer_than_all(samples: int, words: int, told: str) -> None:
    """Refuse a sampled softmax that compares with as many words as there are.

    Args:
        samples: `training.sampled_softmax`.
        words: the size of the vocabulary, or its limit.
        told: a phrase that says what `words` is, with {} for its number.

    Raises:
        UserError: it is a ValueError, too, so that a config may raise it.
    """
    if samples >= words:
        raise UserError(f"training.sampled_softmax: found {samples}; {told.format(words)}, accepted is less")


class RecurrentConfig(Section):
    """A stack of recurrent layers."""

    cell: SequenceCell = Field("gru", description="Recurrent cell.")
    units: int = Field(32, ge=1, le=8192, description="Units of each recurrent layer.")
    layers: int = Field(1, ge=1, le=16, description="Recurrent layers.")
    kernel_initializer: KernelInitializer = Field(
        "default", description="Start of input weights; default is glorot_uniform, of an irnn its paper's small normal."
    )
    recurrent_initializer: RecurrentInitializer = Field(
        "default", description="Start of recurrent weights; default is orthogonal. An irnn starts with the identity."
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of non-recurrent connections dropped in training.")
    recurrent_dropout: float = Field(
        0.0, ge=0, lt=1, description="Share of recurrent connections dropped in training, one mask a sequence."
    )
    memory: int = Field(
        0, ge=0, le=100_000, description="Steps the gates remember at first (chrono initialisation); 0 is Keras' way."
    )
    forget_bias: float = Field(
        1.0, ge=-20, le=20, description="Start of the bias of an LSTM's forget gate, where memory is 0."
    )

    @model_validator(mode="after")
    def _starts_as_it_must(self):
        if self.cell == "irnn" and self.recurrent_initializer != "default":
            raise ValueError(
                f"recurrent_initializer: found {self.recurrent_initializer}; accepted is default: an irnn starts with "
                "the identity"
            )
        return self


class PooledConfig(RecurrentConfig):
    """A stack that answers once."""

    pooling: Pooling = Field(
        "last", description="What the answer is read off: the last state, or a mean of all, weighted by attention."
    )


class SequenceTrainingConfig(TrainingConfig):
    """How a model of sequences is trained."""

    batch_size: int = Field(64, ge=1, le=65_536, description="Sequences an update.")
    batch_shapes: int = Field(4, ge=1, le=64, description="Lengths of batches at most; each is compiled once.")


class SequenceConfig(TaskConfig):
    """What a run depends on, but for its `data`."""

    model: RecurrentConfig = RecurrentConfig()
    training: SequenceTrainingConfig = SequenceTrainingConfig(epochs=8, learning_rate=0.01)


class EncoderDecoderModelConfig(Section):
    """The encoder-decoder."""

    cell: Cell = Field("lstm", description="Recurrent cell of encoder and decoder.")
    units: int = Field(256, ge=2, le=8192, multiple_of=2, description="Units of each layer.")
    layers: int = Field(1, ge=1, le=16, description="Layers of the encoder, and of the decoder.")
    embedding_dim: int = Field(128, ge=1, le=8192, description="Length of a word's vector.")
    bidirectional: bool = Field(True, description="The encoder reads both ways, half of its units each.")
    attention: Attention = Field("bahdanau", description="How the decoder looks back.")
    input_feeding: bool = Field(False, description="The decoder is told where it looked last; slower, needs attention.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of activations dropped between layers in training.")
    tied: bool = Field(True, description="The output projection is the target's word vectors.")

    @model_validator(mode="after")
    def _feeds_attention(self):
        if self.input_feeding and self.attention == "none":
            raise ValueError("input_feeding feeds attention back: attention must be luong or bahdanau, found none")
        return self


class EncoderDecoderTrainingConfig(TrainingConfig):
    """How it is trained."""

    tokens_per_batch: int = Field(768, ge=16, le=1_000_000, description="Source or target tokens an update at most.")
    batch_shapes: int = Field(8, ge=1, le=64, description="Shapes of batches at most; each is compiled once.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Probability spread over all words.")
    sampled_softmax: int = Field(
        0, ge=0, le=1_000_000, description="Words the loss compares with instead of all, in training; 0 is all."
    )
    monitor: Literal["score", "loss"] = Field(
        "score", description="Which epoch is best: by the task's first score of greedy hypotheses, or by the loss."
    )
    val_sentences: int = Field(500, ge=1, description="Validation sources decoded each epoch, greedily.")

    @model_validator(mode="after")
    def _smooths_over_all(self):
        if self.sampled_softmax and self.label_smoothing:
            raise ValueError(
                f"label_smoothing={self.label_smoothing} spreads over all words, which sampled_softmax="
                f"{self.sampled_softmax} does not compute: one of them must be 0"
            )
        return self


class DecodingConfig(Section):
    """How the trained model searches for what to write."""

    beam_width: int = Field(4, ge=1, le=100, description="Hypotheses kept; 1 is greedy.")
    length_penalty: float = Field(1.0, ge=0, le=5, description="Alpha of Wu et al. 2016; 0 favours short ones.")
    max_length: int = Field(256, ge=2, le=10_000, description="Target tokens at most.")


class WordVectorsConfig(Section):
    """How word vectors are exported."""

    tsne_words: int = Field(600, ge=1, le=5_000, description="The most frequent words, which t-SNE draws.")


class EncoderDecoderConfig(TaskConfig):
    """Everything a run depends on."""

    data: PairsConfig = PairsConfig()
    model: EncoderDecoderModelConfig = EncoderDecoderModelConfig()
    training: EncoderDecoderTrainingConfig = EncoderDecoderTrainingConfig()
    decoding: DecodingConfig = DecodingConfig()
    word_vectors: WordVectorsConfig = WordVectorsConfig()

    @model_validator(mode="after")
    def _samples_some(self):
        samples_fewer_than_all(self.training.sampled_softmax, self.data.vocabulary_size, "data.vocabulary_size is {}")
        return self


class DecodingOptions(Section):
    """What `predict` lets its caller choose."""

    beam: int | None = Field(None, ge=1, le=100, description="Beam width, 1 is greedy; as it was tested by default.")
    n_best: int = Field(1, ge=1, le=100, description="Hypotheses a line, as `line ||| hypothesis ||| score`.")
    length_penalty: float | None = Field(
        None, ge=0, le=5, description="0 favours short ones; as it was tested by default."
    )
    alignments: Path | None = Field(
        None, description="Write to this file, a line each: source tokens<TAB>target tokens<TAB>0-0 1-2 …"
    )

    @model_validator(mode="after")
    def _fit(self):
        if self.beam and self.n_best > self.beam:
            raise ValueError(f"n_best: {self.n_best} hypotheses do not come out of a beam of {self.beam}")
        if self.alignments and os.path.isdir(self.alignments):
            raise ValueError(f"alignments: {self.alignments} is a directory; a file is wanted")
        return self
