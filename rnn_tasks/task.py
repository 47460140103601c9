"""The contract of every task, and the small frozen results that its stages return.

A task is one module: a config, then `prepare`, `build`, `train`, `evaluate`, `export`, `predict`.
Stages pass only paths, digests and numbers to each other, never a model or a tensor. So an orchestrator
can cache, retry and move the results as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from rnn_tasks.config import Section, TaskConfig
from rnn_tasks.records import Records

if TYPE_CHECKING:
    import keras
    import numpy as np


class StageResult(BaseModel):
    """Immutable, and a JSON document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Prepared(StageResult):
    """Raw input turned into files.

    Attributes:
        directory: holds the arrays, the vocabularies and `manifest.json`.
        digest: sha256 over config section, input files and code version; names the directory.
        counts: what the manifest counted (split sizes, pairs dropped and why).
        source: the data's name or path, for people.
        test_digest: the same if the test data is the same, independently of the encoding.
        reused: whether the result of an earlier preparation was used.
    """

    directory: Path
    digest: str
    counts: dict[str, int]
    source: str
    test_digest: str
    reused: bool = False


class Trained(StageResult):
    """The best weights of a training run.

    Attributes:
        weights: the best weights (`rnn_tasks.training.load_weights` reads them into a built model).
        history: `history.jsonl`, one JSON object of metrics an epoch.
        metrics: final training-side metrics by name (`val_…`, `train_…_per_second`).
        seconds: time spent in training, resumed parts included.
    """

    weights: Path
    history: Path
    epochs: int
    steps: int
    seconds: float
    metrics: dict[str, float]


class Metric(StageResult):
    """One measured number. `unit` is empty for pure numbers; `baseline` is the trivial method's value."""

    name: str
    value: float
    unit: str = ""
    higher_is_better: bool = True
    baseline: float | None = None


class Report(StageResult):
    """What the test split says; the only stage that touches it.

    Attributes:
        metrics: the measured numbers, the most important first.
        samples: a TSV table with a header (source, reference, translation, …), for people.
        tables: name -> further TSV files with a header.
        figures: name -> PNG.
        notes: name -> short text (a sacreBLEU signature, for instance), logged as tags.
    """

    metrics: tuple[Metric, ...]
    samples: Path
    tables: dict[str, Path] = {}
    figures: dict[str, Path] = {}
    notes: dict[str, str] = {}


class Exported(StageResult):
    """A model ready for use without this package's training code.

    Attributes:
        directory: holds all files below; `Task.predict` needs only this.
        keras_model: the `.keras` file.
        saved_model: the SavedModel, which takes records in the user's form.
        checked: number of inputs for which the export gave the same answer as the trained model.
        extras: name -> further files (projector TSVs, t-SNE page), logged as artifacts.
    """

    directory: Path
    keras_model: Path
    saved_model: Path
    checked: int
    extras: dict[str, Path] = {}


class NoOptions(Section):
    """For a task whose `predict` or `generate` has no options."""


@dataclass(frozen=True)
class Overfit:
    """Settings with which the suite over the registry overfits a model to one batch of the "tiny" preset.

    Attributes:
        learning_rate: constant, without warm-up.
        steps: number of updates.
        loss_ratio: the batch is learned if the last loss is below this share of the first.
    """

    learning_rate: float = 0.02
    steps: int = 150
    loss_ratio: float = 0.25


@dataclass(frozen=True)
class Task:
    """A declaration of one task: its names, its config, its records and its stages.

    A config has sections `data`, `model` and `training`, and a `seed`; `prepare` reads only `data`. If `data` has a
    `source`, it names the user's data (`--data`).

    Attributes:
        name: the name on the command line; also that of the MLflow experiment and the registered model.
        shape: one of the shapes of recurrent learning ("sequence to vector", "encoder-decoder", …).
        summary: one line for `rnn-tasks list`.
        config: the pydantic model of the task's config.
        presets: name -> config; has "quick" (minutes on two cores, the default), "full" (the best it can do)
            and "tiny" (seconds, for tests; `competes=False`).
        primary_metric: the metric that decides which run is champion.
        records: the kind of records that `predict` takes, with examples.
        prepare: (config, work_dir) -> Prepared. Idempotent; writes to a temporary directory and renames it at the end.
        build: (config, prepared) -> built keras.Model.
        train: (config, prepared, work_dir, callbacks) -> Trained. Resumes from work_dir.
        evaluate: (config, prepared, trained, out_dir) -> Report.
        export: (config, prepared, trained, out_dir) -> Exported.
        predict: (export_dir, records, options) -> one answer for each record (n-best lists may give more, and the
            answer to a whole input may be the lines of a table), as the records arrive: it takes them with
            `rnn_tasks.line_stream.chunks`, because their input may stay open.
        metrics: prepared -> names of the metrics that `evaluate` always gives.
        example_batch: (config, prepared) -> one training batch, by field.
        inputs: config -> the files of the user's data (none by default); they are checked for existence and content,
            and digested for caching. Fast: it does not read whole files.
        predict_options: the options of `predict`, such as a beam width.
        higher_is_better: whether a higher primary metric is better.
        overfit: settings of the overfitting test.
        generate: (export_dir, options) -> lines that the network generates; None if it cannot.
        generate_options: the options of `generate`.
        generate_needs_model: False if it draws from the source of the training data; then there is no export_dir.
        examples: export_dir -> inputs that this particular model answers, if they depend on its training data; None
            takes the good examples of `records`.
    """

    name: str
    shape: str
    summary: str
    config: type[TaskConfig]
    presets: Mapping[str, TaskConfig]
    primary_metric: str
    records: Records
    prepare: Callable[[Any, Path], Prepared]
    build: Callable[[Any, Prepared], keras.Model]
    train: Callable[[Any, Prepared, Path, Sequence[keras.callbacks.Callback]], Trained]
    evaluate: Callable[[Any, Prepared, Trained, Path], Report]
    export: Callable[[Any, Prepared, Trained, Path], Exported]
    predict: Callable[[Path, Iterable[Any], Any], Iterator[str]]
    metrics: Callable[[Prepared], Sequence[str]]
    example_batch: Callable[[Any, Prepared], Mapping[str, np.ndarray]]
    inputs: Callable[[Any], Sequence[Path]] = lambda config: ()
    predict_options: type[Section] = NoOptions
    higher_is_better: bool = True
    overfit: Overfit = Overfit()
    generate: Callable[[Any, Any], Iterator[str]] | None = None
    generate_options: type[Section] = NoOptions
    generate_needs_model: bool = True
    examples: Callable[[Path], Sequence[str]] | None = None
