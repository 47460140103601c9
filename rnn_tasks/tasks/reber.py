"""Does a string belong to the embedded Reber language? Sequence to vector.

The language's last-but-one symbol repeats the second, whatever stands between. Half the strings are near misses, many
of them wrong in that pair alone, so that nothing short of remembering the second symbol to the end is enough.

References:
    Hochreiter & Schmidhuber (1997), Long Short-Term Memory, experiment 1.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, model_validator

from rnn_tasks import dataset, evaluation, models, shapes, synthetic, text
from rnn_tasks.config import Section, TaskConfig, presets
from rnn_tasks.errors import UserError
from rnn_tasks.preparation import prepare_once
from rnn_tasks.records import TextRecords
from rnn_tasks.shapes.config import RecurrentConfig, SequenceTrainingConfig
from rnn_tasks.task import Prepared

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

EMBEDDED = "embedded"
VOCABULARY = "vocabulary.tsv"


class ReberDataConfig(Section):
    """Which strings are read or generated."""

    source: str = Field(
        EMBEDDED,
        min_length=1,
        description="embedded (generated from the automaton), or the path of a UTF-8 file of string<TAB>label lines.",
    )
    train_strings: int = Field(
        24_000,
        ge=2,
        le=100_000,
        description="Training strings, half of them in the language. A file's strings are divided in this proportion.",
    )
    val_strings: int = Field(2_000, ge=2, le=100_000, description="Validation strings.")
    test_strings: int = Field(4_000, ge=2, le=100_000, description="Test strings.")
    swap_share: float = Field(0.2, ge=0, le=1, description="Share of corrupted strings with two neighbours swapped.")
    long_range_share: float = Field(
        0.4,
        ge=0,
        le=1,
        description="Share of corrupted strings whose second and last-but-one symbols disagree; in the rest one "
        "symbol is changed.",
    )
    seed: int = Field(
        1, ge=0, lt=2**31, description="Draws the strings; runs that differ in their own seed alone share one test set."
    )

    @model_validator(mode="after")
    def _shares_fit(self) -> ReberDataConfig:
        if self.swap_share + self.long_range_share > 1:
            raise ValueError("swap_share and long_range_share add up to more than 1")
        return self


class ReberModelConfig(RecurrentConfig):
    """The reader of strings."""

    embedding_dim: int = Field(16, ge=1, le=1024, description="Length of a symbol's vector.")


class ReberConfig(TaskConfig):
    """Everything a run of this task depends on."""

    data: ReberDataConfig = ReberDataConfig()
    model: ReberModelConfig = ReberModelConfig(memory=30)
    training: SequenceTrainingConfig = SequenceTrainingConfig(
        epochs=10, learning_rate=0.01, decay="cosine", clip_norm=1.0, jit_compile=True
    )


PRESETS = presets(
    quick=ReberConfig(),
    full={
        "data.train_strings": 60_000,
        "data.val_strings": 4_000,
        "data.test_strings": 10_000,
        "model.units": 64,
        "training.learning_rate": 0.005,
    },
    tiny={
        "data.train_strings": 200,
        "data.val_strings": 40,
        "data.test_strings": 60,
        "model.units": 8,
        "model.embedding_dim": 4,
        "training.epochs": 2,
        "training.jit_compile": False,
    },
)


def inputs(config: ReberConfig) -> Sequence[Path]:
    """The user's file, if there is one."""
    if config.data.source == EMBEDDED:
        return []
    path = Path(config.data.source)
    if not os.path.isfile(path):  # Path's own raises where a name is too long
        found = "no regular file, and it is read more than once" if os.path.exists(path) else "no such file"
        raise UserError(f"{path}: {found} (data.source is {EMBEDDED!r} or a file of string<TAB>label lines)")
    return [path]


def prepare(config: ReberConfig, work_dir: Path) -> Prepared:
    """Strings in three splits that share none, as character ids, with their labels and kinds."""

    def write(directory: Path) -> Mapping[str, int]:
        splits, dropped = _splits(config.data)
        vocabulary = text.character_vocabulary(splits["train"].strings)
        vocabulary.save(directory / VOCABULARY)
        for name, split in splits.items():
            dataset.write_examples(
                directory / name,
                inputs=text.character_ids(split.strings, vocabulary),
                targets=np.array(split.labels, np.int32),
                records=split.strings,
                kinds=split.kinds,
            )
        lengths = [len(string) for split in splits.values() for string in split.strings]
        return {
            **{name: len(split.strings) for name, split in splits.items()},
            **{f"{name}_members": sum(split.labels) for name, split in splits.items()},
            "repeated_lines_dropped": dropped,
            "shortest": min(lengths),
            "median_length": int(np.median(lengths)),
            "longest": max(lengths),
            "vocabulary": len(vocabulary),
        }

    return prepare_once([prepare], config.data, inputs(config), work_dir, write, source=config.data.source)


def _splits(data: ReberDataConfig) -> tuple[dict[str, text.LabelledStrings], int]:
    """The three splits, and how many repeated lines a file had."""
    counts = {"train": data.train_strings, "val": data.val_strings, "test": data.test_strings}
    if data.source != EMBEDDED:
        return text.split_labelled_strings(Path(data.source), counts, data.seed)
    mixture = {"swap": data.swap_share, "long_range": data.long_range_share}
    return synthetic.reber_splits(counts, data.seed, {**mixture, "symbol": 1 - sum(mixture.values())}), 0


def build(config: ReberConfig, prepared: Prepared) -> keras.Model:
    """Ids (batch, time) -> logit (batch, 1) of belonging to the language."""
    return models.sequence_to_vector(
        prepared.counts["vocabulary"], outputs=1, seed=config.seed, **config.model.model_dump()
    )


def encoder(prepared: Prepared) -> text.CharacterEncoder:
    """Strings -> ids."""
    return text.CharacterEncoder(text.Vocabulary.load(prepared.directory / VOCABULARY))


def only_known_symbols(answers: dict[str, tf.Tensor], inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """A string with a symbol that no training string had does not belong to a language over that alphabet."""
    import tensorflow as tf

    strange = tf.reduce_any(inputs[dataset.INPUTS] == text.UNK, axis=1)  # (batch,)
    return {"probability": tf.where(strange, 0.0, answers["probability"])}


def details(config: ReberConfig, prepared: Prepared, judged: shapes.Judged) -> shapes.Details:
    """Accuracy by kind and by length, beside what a memory of one symbol gets."""
    train, test = judged.train, judged.test
    members = (train["inputs"][i].tolist() for i in np.flatnonzero(train["targets"]))
    bigrams = evaluation.bigrams_known(members, (ids.tolist() for ids in test["inputs"]))
    return shapes.Details(
        groups={"kind": test["kinds"], "length_from": [5 * (len(string) // 5) for string in test["records"]]},
        metrics_of="kind",
        baselines={"bigram": np.array(bigrams)},
    )


TASK = shapes.sequence_to_vector(
    name="reber",
    summary="Does a string belong to the embedded Reber language?",
    config=ReberConfig,
    presets=PRESETS,
    primary_metric="test_accuracy",
    records=TextRecords(good=("BTBTXSETE", "BPBPVVEPE", "BTBPTTVVETE")),
    inputs=inputs,
    prepare=prepare,
    build=build,
    head=lambda prepared: shapes.YesOrNo((text.NON_MEMBER, text.MEMBER)),
    encoder=encoder,
    restrict=only_known_symbols,
    details=details,
)
