"""Which of three frequencies does a noisy wave have? Sequence to vector, on rows of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

FREQUENCIES = {"slow": 0.05, "medium": 0.1, "fast": 0.2}  # cycles a step


class FrequencyDataConfig(Section):
    """Which waves are generated."""

    train_waves: int = Field(600, ge=1, description="Training waves.")
    noise: float = Field(0.3, ge=0, description="Standard deviation of the noise.")
    seed: int = Field(1, ge=0, description="Draws the waves.")


class FrequencyConfig(SequenceConfig):
    """Everything a run of this task depends on."""

    data: FrequencyDataConfig = FrequencyDataConfig()


PRESETS = presets(
    quick=FrequencyConfig(),
    full={"data.train_waves": 6_000},
    tiny={"data.train_waves": 100, "model.units": 8, "training.epochs": 2},
)


def prepare(config: FrequencyConfig, work_dir: Path) -> Prepared:
    """Waves of 20 to 40 steps, each with a phase of its own."""

    def write(directory: Path) -> Mapping[str, int]:
        data = config.data
        counts = {"train": data.train_waves, "val": data.train_waves // 5, "test": data.train_waves // 5}
        rng = np.random.default_rng(data.seed)
        for split, count in counts.items():
            targets = rng.integers(len(FREQUENCIES), size=count).astype(np.int32)
            waves = [_wave(list(FREQUENCIES.values())[target], data.noise, rng) for target in targets]
            dataset.write_examples(directory / split, inputs=waves, targets=targets)
        return counts

    return prepare_once([prepare], config.data, [], work_dir, write, source="embedded")


def _wave(frequency: float, noise: float, rng: np.random.Generator) -> np.ndarray:
    time, phase = np.arange(rng.integers(20, 41)), rng.uniform(0, 2 * np.pi)
    return (np.sin(2 * np.pi * frequency * time + phase) + noise * rng.normal(size=len(time)))[:, None]  # (time, 1)


def build(config: FrequencyConfig, prepared: Prepared) -> keras.Model:
    """{"inputs": (batch, time, 1), "lengths": (batch,)} -> logits (batch, 3)."""
    return models.sequence_to_vector(
        features=1, outputs=len(FREQUENCIES), seed=config.seed, **config.model.model_dump()
    )


def details(config: FrequencyConfig, prepared: Prepared, judged: shapes.Judged) -> shapes.Details:
    """Accuracy by length."""
    lengths: Sequence[int] = judged.test["inputs"].lengths
    return shapes.Details(groups={"length_from": [10 * (length // 10) for length in lengths]})


TASK = shapes.sequence_to_vector(
    name="frequency",
    summary="Which of three frequencies does a noisy wave have?",
    config=FrequencyConfig,
    presets=PRESETS,
    primary_metric="test_accuracy",
    records=NumberRecords(
        good=("0 0.3 0.6 0.8 1 1 0.8", "0,1,0,-1,0"), bad={"0 one": "'one' is no number", "": "found 0"}
    ),
    prepare=prepare,
    build=build,
    head=lambda prepared: shapes.OneOf(tuple(FREQUENCIES)),
    details=details,
)
