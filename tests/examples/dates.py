"""Dates as people write them to ISO 8601, character by character. Encoder-decoder."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterator, Sequence

import numpy as np
from pydantic import Field

from rnn_tasks import evaluation, shapes, text
from rnn_tasks.config import presets
from rnn_tasks.records import TextRecords
from rnn_tasks.shapes.config import EncoderDecoderConfig, EncoderDecoderModelConfig, EncoderDecoderTrainingConfig
from rnn_tasks.text.config import PairsConfig

FORMATS = ("%d %B %Y", "%B %d, %Y", "%d.%m.%Y", "%A, %d %b %Y", "%m/%d/%y")
SCORERS = {
    "exact": evaluation.Scorer(evaluation.exact_match),
    "character_error_rate": evaluation.Scorer(evaluation.character_error_rate, higher_is_better=False),
}
FIRST, LAST = datetime.date(1930, 1, 1), datetime.date(2029, 12, 31)


class DatesDataConfig(PairsConfig):
    """Which dates are generated, and how they become characters."""

    level: text.Level = Field("character", description="Tokens are characters.")
    pairs: int = Field(8_000, ge=100, description="Training pairs.")
    seed: int = Field(1, ge=0, description="Draws the dates.")


class DatesConfig(EncoderDecoderConfig):
    """Everything a run of this task depends on."""

    data: DatesDataConfig = DatesDataConfig()
    model: EncoderDecoderModelConfig = EncoderDecoderModelConfig(units=64, embedding_dim=32)
    training: EncoderDecoderTrainingConfig = EncoderDecoderTrainingConfig(
        epochs=5, learning_rate=0.01, tokens_per_batch=1024
    )


PRESETS = presets(
    quick=DatesConfig(),
    full={"data.pairs": 30_000, "model.units": 128, "model.embedding_dim": 64, "training.epochs": 10},
    tiny={
        "data.pairs": 200,
        "model.units": 16,
        "model.embedding_dim": 8,
        "training.epochs": 2,
        "training.batch_shapes": 1,
        "word_vectors.tsne_words": 40,
    },
)


def corpus(config: DatesConfig) -> text.ParallelCorpus:
    """Each split with dates of its own."""
    data = config.data
    counts = {"train": data.pairs, "val": data.pairs // 20 + 10, "test": data.pairs // 20 + 10}
    splits = {
        split: text.PairStream(functools.partial(_pairs, range(number, 1_000_000, len(counts)), count, data.seed))
        for number, (split, count) in enumerate(counts.items())
    }
    return text.ParallelCorpus("embedded", inputs=(), splits=splits, check=lambda: None)


def _pairs(days: Sequence[int], count: int, seed: int) -> Iterator[tuple[str, str]]:
    rng = np.random.default_rng([seed, days[0]])
    possible = [day for day in days if day <= (LAST - FIRST).days]
    for day in rng.choice(possible, count):
        date = FIRST + datetime.timedelta(days=int(day))
        yield date.strftime(FORMATS[rng.integers(len(FORMATS))]), date.isoformat()


TASK = shapes.encoder_decoder(
    name="dates",
    summary="Dates as people write them to ISO 8601.",
    config=DatesConfig,
    presets=PRESETS,
    primary_metric="test_exact",
    records=TextRecords(good=("3 May 1979", "July 14, 1989", "24.12.2001")),
    corpus=corpus,
    scorers=lambda config: SCORERS,
    baseline=lambda config, prepared, test_set: text.load_sentences(prepared.directory, test_set, "source"),
)
