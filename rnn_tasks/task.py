"""The contract every task fulfils, and the small frozen results its stages hand on.

A task is one module: a config, then `prepare`, `build`, `train`, `evaluate`, `export`, `predict`.
Between stages only paths, digests and numbers travel, never a model or a tensor, so that an orchestrator
can cache, retry and move them as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from rnn_tasks.config import Section, TaskConfig

if TYPE_CHECKING:
    import keras


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
        reused: whether an earlier preparation was found whole and taken as it is.
    """

    directory: Path
    digest: str
    counts: dict[str, int]
    source: str
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
        metrics: in the order in which a reader wants them.
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
        directory: everything below; `Task.predict` needs only this.
        keras_model: the `.keras` file.
        saved_model: the SavedModel, which takes what a user has.
        example: lines of input that show what `predict` takes.
        checked: how many inputs gave the same answer through the export as through the trained model.
        extras: name -> further files (projector TSVs, t-SNE page), logged as artifacts.
    """

    directory: Path
    keras_model: Path
    saved_model: Path
    example: tuple[str, ...]
    checked: int
    extras: dict[str, Path] = {}


class NoOptions(Section):
    """For a task whose `predict` has nothing to choose."""


@dataclass(frozen=True)
class Task:
    """A declaration of one task: its names, its config and its six stages.

    Attributes:
        name: as on the command line; also the MLflow experiment and the registered model.
        shape: one of the shapes of recurrent learning ("sequence to vector", "encoder-decoder", …).
        summary: one line for `rnn-tasks list`.
        config: the pydantic model of the task's config.
        presets: name -> config; has "quick" (minutes on two cores, the default), "full" (the best it can do)
            and "tiny" (seconds, for tests; `competes=False`).
        primary_metric: the metric that decides which run is champion.
        higher_is_better: its direction.
        inputs: config -> the files the user's data consists of (may be empty); checked for existence and
            content, digested for caching. Cheap: it reads no file whole.
        prepare: (config, work_dir) -> Prepared. Idempotent; writes aside, renames when whole.
        build: (config, prepared) -> built keras.Model.
        train: (config, prepared, work_dir, callbacks) -> Trained. Resumes from work_dir.
        evaluate: (config, prepared, trained, out_dir) -> Report.
        export: (config, prepared, trained, out_dir) -> Exported.
        predict: (export_dir, lines, options) -> one answer a line (n-best lists may give more), as the lines come:
            it takes them by `rnn_tasks.line_stream.chunks`, for their input may stay open.
        predict_options: what `predict` lets its caller choose (a beam width, say).
    """

    name: str
    shape: str
    summary: str
    config: type[TaskConfig]
    presets: Mapping[str, TaskConfig]
    primary_metric: str
    inputs: Callable[[Any], Sequence[Path]]
    prepare: Callable[[Any, Path], Prepared]
    build: Callable[[Any, Prepared], keras.Model]
    train: Callable[[Any, Prepared, Path, Sequence[keras.callbacks.Callback]], Trained]
    evaluate: Callable[[Any, Prepared, Trained, Path], Report]
    export: Callable[[Any, Prepared, Trained, Path], Exported]
    predict: Callable[[Path, Iterable[str], Any], Iterator[str]]
    predict_options: type[Section] = NoOptions
    higher_is_better: bool = True
