"""What a task that learns vectors of words lets its user choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from rnn_tasks.config import Section, TaskConfig, TrainingConfig
from rnn_tasks.text.word_config import WordCorpusConfig


class EmbeddingsModelConfig(Section):
    """The vectors, and what they are to predict."""

    architecture: Literal["skip_gram", "cbow"] = Field(
        "skip_gram", description="A word predicts each of its contexts, or the mean of its contexts predicts the word."
    )
    loss: Literal["negative_sampling", "nce", "sampled_softmax"] = Field(
        "negative_sampling", description="How a right word is told from noise words."
    )
    dim: int = Field(100, ge=1, le=4096, description="Length of a word's vector.")
    window: int = Field(5, ge=1, le=100, description="Words on each side that are its contexts, at most.")


class EmbeddingsTrainingConfig(TrainingConfig):
    """How vectors are trained. Only the rows of words that occur are updated, by sgd or adagrad."""

    negatives: int = Field(5, ge=1, le=1000, description="Noise words a pair, of negative sampling and nce.")
    noise_words: int = Field(
        64, ge=1, le=65_536, description="Noise words drawn a block, which all its pairs share; weighted as negatives."
    )
    subsampling: float = Field(
        1e-3, ge=0, lt=1, description="Words more frequent than this share are thinned out; 0 keeps all."
    )
    dynamic_window: bool = Field(True, description="Each position's window is drawn from 1 to model.window.")
    positions: int = Field(1024, ge=32, le=2**20, multiple_of=32, description="Words a block, which is an update.")
    batch_words: int = Field(16_384, ge=64, le=2**24, description="Words of raw text a batch, which is many blocks.")
    monitor: Literal["ranking", "loss"] = Field(
        "ranking", description="Which epoch is best, on held-out text: by how contexts rank among noise, or the loss."
    )

    @model_validator(mode="after")
    def _rows_alone(self) -> EmbeddingsTrainingConfig:
        accepted: dict[str, Sequence[Any]] = {
            "optimizer": ("sgd", "adagrad"),
            "momentum": (0,),
            "clip_norm": (0,),
            "weight_average": (0,),
            "precision": ("float32",),
            "jit_compile": (False,),
        }
        for name, values in accepted.items():
            if getattr(self, name) not in values:
                wanted = " or ".join(map(str, values))
                raise ValueError(f"{name}: found {getattr(self, name)}; accepted for word vectors is {wanted}")
        return self


class MapConfig(Section):
    """The map of words that is exported."""

    words: int = Field(1000, ge=3, le=50_000, description="Most frequent words that t-SNE lays out.")
    colours: Literal["class", "frequency"] = Field(
        "class", description="What colours say: a word's class, where there are classes, or how frequent it is."
    )


class EmbeddingsEvaluationConfig(Section):
    """How vectors are judged."""

    words: int = Field(200_000, ge=100, description="Words of the validation text, and of the test text, at most.")
    baseline_words: int = Field(20_000, ge=10, le=200_000, description="PPMI and SVD know the most frequent words.")
    baseline_text: int = Field(20_000_000, ge=1000, description="Words of the training text they count, at most.")


class EmbeddingsConfig(TaskConfig):
    """Everything a run of this task depends on."""

    data: WordCorpusConfig = WordCorpusConfig()
    model: EmbeddingsModelConfig = EmbeddingsModelConfig()
    training: EmbeddingsTrainingConfig = EmbeddingsTrainingConfig(
        epochs=10, optimizer="adagrad", learning_rate=0.3, decay="linear", clip_norm=0
    )
    map: MapConfig = MapConfig()
    evaluation: EmbeddingsEvaluationConfig = EmbeddingsEvaluationConfig()
