"""Does a string belong to the embedded Reber language? Sequence to vector.

The language's last-but-one symbol repeats the second, whatever stands between. Half the strings are near misses, many
of them wrong in that pair alone, so that nothing short of remembering the second symbol to the end is enough.

References:
    Hochreiter & Schmidhuber (1997), Long Short-Term Memory, experiment 1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from rnn_tasks import evaluation, files, models, plots, synthetic, text, training
from rnn_tasks import export as exporting
from rnn_tasks.config import Section, TaskConfig, TrainingConfig
from rnn_tasks.errors import UserError
from rnn_tasks.line_stream import chunks
from rnn_tasks.task import Exported, Metric, NoOptions, Prepared, Report, Task, Trained

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

EMBEDDED = "embedded"
TEST_COLUMNS = ("string", "label", "kind")
CLASSES = (text.NON_MEMBER, text.MEMBER)
SAMPLES = 50
VOCABULARY = "vocabulary.tsv"
CODE = (  # what decides the content of a preparation
    "tasks/reber.py",
    "grammar/automaton.py",
    "grammar/data/reber.toml",
    "grammar/reber.py",
    "synthetic/reber.py",
    "text/characters.py",
    "text/labelled_strings.py",
    "text/sequence_batches.py",
    "text/token_store.py",
    "text/vocabulary.py",
)


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


class ReberModelConfig(Section):
    """The reader of strings."""

    cell: Literal["lstm", "gru", "simple_rnn"] = Field("gru", description="Recurrent cell.")
    units: int = Field(32, ge=1, le=4096, description="Units of each recurrent layer.")
    layers: int = Field(1, ge=1, le=16, description="Recurrent layers.")
    embedding_dim: int = Field(16, ge=1, le=1024, description="Length of a symbol's vector.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of non-recurrent connections dropped in training.")
    memory: int = Field(
        30, ge=0, le=100_000, description="Steps the gates remember at first (chrono initialisation); 0 is Keras' way."
    )


class ReberConfig(TaskConfig):
    """Everything a run of this task depends on."""

    data: ReberDataConfig = ReberDataConfig()
    model: ReberModelConfig = ReberModelConfig()
    batch_size: int = Field(64, ge=1, le=65_536, description="Strings an update.")
    training: TrainingConfig = TrainingConfig(
        epochs=10, learning_rate=0.01, decay="cosine", clip_norm=1.0, jit_compile=True
    )


PRESETS = {
    "quick": ReberConfig(),
    "full": ReberConfig(
        data=ReberDataConfig(train_strings=60_000, val_strings=4_000, test_strings=10_000),
        model=ReberModelConfig(units=64),
        training=TrainingConfig(epochs=10, learning_rate=0.005, decay="cosine", clip_norm=1.0, jit_compile=True),
    ),
    "tiny": ReberConfig(
        competes=False,
        data=ReberDataConfig(train_strings=200, val_strings=40, test_strings=60),
        model=ReberModelConfig(units=8, embedding_dim=4),
        training=TrainingConfig(epochs=2, learning_rate=0.01),
    ),
}


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
    """Strings in three splits that share none, as character ids and labels; `test.tsv` holds the test strings."""

    def write(directory: Path) -> Mapping[str, int]:
        splits, dropped = _splits(config.data)
        vocabulary = text.character_vocabulary(splits["train"].strings)
        vocabulary.save(directory / VOCABULARY)
        for name, split in splits.items():
            text.LabelledSequences.write(directory / name, text.character_ids(split.strings, vocabulary), split.labels)
        evaluation.write_table(directory / "test.tsv", TEST_COLUMNS, zip(*splits["test"], strict=True))
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

    digest = files.prepared_digest(config.data.model_dump(), inputs(config), CODE)
    return files.prepare_once(work_dir, digest, config.data.source, write)


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


def train(
    config: ReberConfig, prepared: Prepared, work_dir: Path, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> Trained:
    """Binary cross-entropy; the epoch with the least validation loss is kept."""
    train_split, val_split = _open(prepared, "train"), _open(prepared, "val")
    with training.training_scope(config.training, config.seed):
        model = build(config, prepared)
        forward = training.forward(model)

        def validate(_: keras.Model) -> dict[str, float]:
            probabilities = _probabilities(forward, val_split)
            return {
                "val_loss": _cross_entropy(probabilities, val_split.labels),
                "val_accuracy": evaluation.accuracy(val_split.labels, probabilities > 0.5),
            }

        return training.fit(
            model,
            text.SequenceBatches(train_split, config.batch_size, config.seed),
            _loss,
            config=config.training,
            work_dir=work_dir,
            validate=validate,
            monitor="val_loss",
            higher_is_better=False,
            callbacks=callbacks,
            throughput="train_strings_per_second",
        )


def _loss(model: keras.Model, batch: dict[str, tf.Tensor], is_training: bool) -> training.StepLoss:
    logits = model(batch["ids"], training=is_training)[:, 0]  # (batch,)
    return training.binary_cross_entropy(logits, batch["labels"], batch["weights"])


def evaluate(config: ReberConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Report:
    """Accuracy on unseen strings by kind and by length, beside what a memory of one symbol gets."""
    train_split, test_split = _open(prepared, "train"), _open(prepared, "test")
    strings, kinds = _test_strings(prepared)
    labels = np.asarray(test_split.labels)
    probabilities = _probabilities(training.forward(_trained_model(config, prepared, trained)), test_split)
    predicted = probabilities > 0.5
    members = (train_split.tokens[i].tolist() for i in np.flatnonzero(train_split.labels))
    bigrams = np.array(evaluation.bigrams_known(members, (ids.tolist() for ids in test_split.tokens)))
    by_kind = evaluation.accuracy_by_group(kinds, labels, predicted, bigrams)
    by_length = evaluation.accuracy_by_group([5 * (len(s) // 5) for s in strings], labels, predicted, bigrams)
    confusion = evaluation.confusion_matrix(labels, predicted, classes=2)
    header, *confusion_rows = evaluation.confusion_table(confusion, CLASSES)
    history = [json.loads(line) for line in trained.history.read_bytes().splitlines()]
    # Mistakes first, the surest of them at the top; then what was right but least sure.
    order = np.argsort(np.where(labels == 1, probabilities, 1 - probabilities), kind="stable")[:SAMPLES]

    metrics = [
        Metric(
            name="test_accuracy",
            value=evaluation.accuracy(labels, predicted),
            baseline=evaluation.majority_accuracy(train_split.labels, labels),
        ),
        Metric(name="test_bigram_accuracy", value=evaluation.accuracy(labels, bigrams)),
        Metric(
            name="test_loss",
            value=_cross_entropy(probabilities, labels),
            unit="nats",
            higher_is_better=False,
            baseline=_cross_entropy(np.full(len(labels), np.mean(train_split.labels)), labels),
        ),
        *(Metric(name=f"test_accuracy_{kind}", value=ours, baseline=theirs) for kind, _, ours, theirs in by_kind),
    ]
    columns = ("strings", "accuracy", "bigram accuracy")
    return Report(
        metrics=tuple(metrics),
        samples=evaluation.write_table(
            out_dir / "samples.tsv",
            (*TEST_COLUMNS, "probability"),
            ((strings[i], labels[i], kinds[i], float(probabilities[i])) for i in order),
        ),
        tables={
            "by_kind": evaluation.write_table(out_dir / "by_kind.tsv", ("kind", *columns), by_kind),
            "by_length": evaluation.write_table(out_dir / "by_length.tsv", ("length from", *columns), by_length),
            "confusion": evaluation.write_table(out_dir / "confusion.tsv", header, confusion_rows),
        },
        figures={
            "learning_curves": plots.save_figure(plots.learning_curves(history), out_dir / "learning_curves.png"),
            "confusion": plots.save_figure(plots.confusion(confusion, CLASSES), out_dir / "confusion.png"),
        },
    )


def export(config: ReberConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Exported:
    """The model and an endpoint `serve`: strings (batch,) -> probabilities (batch,), checked against the model."""
    model = _trained_model(config, prepared, trained)
    endpoint, encoder = exporting.membership_endpoint(model, text.Vocabulary.load(prepared.directory / VOCABULARY))
    strings, _ = _test_strings(prepared)
    with files.whole_directory(out_dir) as aside:
        exporting.export_model(model, {"serve": endpoint}, aside, resources=[encoder])
        served = exporting.load_membership(aside)(strings)
        worst = np.max(np.abs(served - _probabilities(training.forward(model), _open(prepared, "test"))))
        if not worst < 1e-5:
            raise RuntimeError(f"the export's probabilities are off by up to {worst:.2g}")
    return Exported(
        directory=out_dir,
        keras_model=out_dir / exporting.KERAS_MODEL,
        saved_model=out_dir / exporting.SAVED_MODEL,
        example=tuple(strings[:3]),
        checked=len(strings),
    )


def predict(export_dir: Path, lines: Iterable[str], options: NoOptions) -> Iterator[str]:
    """The probability of each line's string with 6 decimals; an empty line for an empty line.

    A string with a symbol that no training string had gets 0: it cannot belong to a language over that alphabet.
    """
    judge = exporting.load_membership(export_dir)
    for chunk in chunks(lines, 500):
        strings = [line.strip() for line in chunk]
        yield from (f"{p:.6f}" if string else "" for string, p in zip(strings, judge(strings), strict=True))


def _open(prepared: Prepared, split: str) -> text.LabelledSequences:
    return text.LabelledSequences.open(prepared.directory / split)


def _test_strings(prepared: Prepared) -> tuple[list[str], list[str]]:
    """The test split's strings and their kinds."""
    _, *lines = (prepared.directory / "test.tsv").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    strings, _, kinds = zip(*(line.split("\t") for line in lines), strict=True)
    return list(strings), list(kinds)


def _trained_model(config: ReberConfig, prepared: Prepared, trained: Trained) -> keras.Model:
    return training.load_weights(build(config, prepared), trained.weights)


def _probabilities(forward: Callable[[np.ndarray], np.ndarray], split: text.LabelledSequences) -> np.ndarray:
    """(strings,) probabilities of belonging; 0 for a string with a symbol that no training string has."""
    result = np.zeros(len(split))
    for rows, batch in text.SequenceBatches(split, batch_size=500).in_buckets():
        logits = forward(batch["ids"])[:, 0].astype(np.float64)  # (batch,)
        probabilities = np.where((batch["ids"] == text.UNK).any(axis=1), 0.0, 1 / (1 + np.exp(-logits)))
        result[rows] = probabilities[: len(rows)]
    return result


def _cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """In nats a string; a probability of 0 counts as 1e-7, so that one strange symbol costs no infinity."""
    likelihood = np.where(labels == 1, probabilities, 1 - probabilities)
    return float(-np.log(np.maximum(likelihood, 1e-7)).mean())


TASK = Task(
    name="reber",
    shape="sequence to vector",
    summary="Does a string belong to the embedded Reber language?",
    config=ReberConfig,
    presets=PRESETS,
    primary_metric="test_accuracy",
    inputs=inputs,
    prepare=prepare,
    build=build,
    train=train,
    evaluate=evaluate,
    export=export,
    predict=predict,
)
