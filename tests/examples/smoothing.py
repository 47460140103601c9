"""The running mean of a noisy series, step by step. Sequence to sequence, from numbers to numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from rnn_tasks import dataset, models, shapes
from rnn_tasks.config import Section, presets
from rnn_tasks.preparation import prepare_once
from rnn_tasks.records import NumberRecords
from rnn_tasks.shapes.config import SequenceConfig
from rnn_tasks.task import Prepared

if TYPE_CHECKING:
    import keras


class SmoothingDataConfig(Section):
    """Which series are generated."""

    train_series: int = Field(500, ge=1, description="Training series.")
    memory: float = Field(0.8, ge=0, lt=1, description="Share of the last mean in the next one.")
    seed: int = Field(1, ge=0, description="Draws the series.")


class SmoothingConfig(SequenceConfig):
    """Everything a run of this task depends on."""

    data: SmoothingDataConfig = SmoothingDataConfig()


PRESETS = presets(
    quick=SmoothingConfig(),
    full={"data.train_series": 5_000},
    tiny={"data.train_series": 100, "model.units": 8, "training.epochs": 2},
)


def prepare(config: SmoothingConfig, work_dir: Path) -> Prepared:
    """Noise of 10 to 30 steps, and its exponential mean."""

    def write(directory: Path) -> Mapping[str, int]:
        data = config.data
        counts = {"train": data.train_series, "val": data.train_series // 5, "test": data.train_series // 5}
        rng = np.random.default_rng(data.seed)
        for split, count in counts.items():
            series = [rng.normal(size=rng.integers(10, 31)) for _ in range(count)]
            dataset.write_examples(
                directory / split,
                inputs=(one[:, None] for one in series),
                targets=(_means(one, data.memory)[:, None] for one in series),
            )
        return counts

    return prepare_once([prepare], config.data, [], work_dir, write, source="embedded")


def _means(series: np.ndarray, memory: float) -> np.ndarray:
    mean, means = 0.0, []
    for value in series:
        mean = memory * mean + (1 - memory) * value
        means.append(mean)
    return np.array(means)


def build(config: SmoothingConfig, prepared: Prepared) -> keras.Model:
    """{"inputs": (batch, time, 1), "lengths": (batch,)} -> means (batch, time, 1)."""
    return models.sequence_to_sequence(features=1, outputs=1, seed=config.seed, **config.model.model_dump())


TASK = shapes.sequence_to_sequence(
    name="smoothing",
    summary="The running mean of a noisy series.",
    config=SmoothingConfig,
    presets=PRESETS,
    primary_metric="test_mae",
    higher_is_better=False,
    records=NumberRecords(good=("1 -1 0.5", "0.1,0.2"), bad={"nan": "'nan' is not finite"}),
    prepare=prepare,
    build=build,
    head=lambda prepared: shapes.Numbers(),
)
