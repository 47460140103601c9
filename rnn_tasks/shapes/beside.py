"""Other cells and other lengths, trained in the same run, to stand beside its model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, get_args

from rnn_tasks import activity
from rnn_tasks.choices import SequenceCell
from rnn_tasks.config import override
from rnn_tasks.evaluation import read_history
from rnn_tasks.files import write_whole
from rnn_tasks.shapes.lags_config import MemoryConfig
from rnn_tasks.task import Prepared, Trained

SOLVED = 2_559 / 2_560
"""The share of right answers on validation at which a problem counts as solved: one wrong answer in 2,560."""

Prepare = Callable[[MemoryConfig, Path], Prepared]
Train = Callable[[MemoryConfig, Prepared, Path], Trained]


class Run(NamedTuple):
    """One cell trained at one length."""

    config: MemoryConfig
    prepared: Prepared
    trained: Trained

    @property
    def cell(self) -> str:
        """Which cell."""
        return self.config.model.cell

    @property
    def length(self) -> int:
        """At which length."""
        return self.config.data.length

    @property
    def errors(self) -> list[tuple[int, float]]:
        """(training sequences seen, error on validation) after each epoch."""
        size = self.config.training.batch_size
        return [(int(row["step"]) * size, row["val_error"]) for row in read_history(self.trained.history)]

    @property
    def sequences(self) -> int:
        """Training sequences seen until validation held the problem to be solved; all of them if it never did."""
        size = self.config.training.batch_size
        steps = [row["step"] for row in read_history(self.trained.history) if row["val_accuracy"] >= SOLVED]
        return int(steps[0] if steps else self.trained.steps) * size

    @property
    def solved(self) -> bool:
        """Whether validation ever held the problem to be solved."""
        return any(row["val_accuracy"] >= SOLVED for row in read_history(self.trained.history))


def runs_beside(main: Run, work_dir: Path, prepare: Prepare, train: Train) -> Iterator[Run]:
    """The run itself, then the other cells if its config asks for them; each cell at rising lengths until it fails.

    Args:
        main: the run itself.
        work_dir: holds a directory for each run; a run that is finished there is not trained again.
        prepare, train: stages of the task.
    """
    config = main.config
    others = [cell for cell in get_args(SequenceCell) if cell != config.model.cell]
    for cell in [config.model.cell, *(others if config.beside.cells == "all" else [])]:
        for length in (config.data.length, *config.beside.lengths):
            changes = {"model.cell": cell, "data.length": length, "beside.cells": "none", "beside.lengths": ()}
            if cell == "irnn":  # an IRNN has no other start
                changes["model.recurrent_initializer"] = "default"
            run = main
            if (cell, length) != (config.model.cell, config.data.length):
                with activity.doing(f"{cell}, length {length}"):
                    own = override(config, changes)
                    prepared = prepare(own, work_dir / "prepared")
                    run = Run(own, prepared, _once(own, prepared, work_dir / f"{cell}-{length}", train))
            yield run
            if not run.solved:
                break


def _once(config: MemoryConfig, prepared: Prepared, directory: Path, train: Train) -> Trained:
    """Train, or read the result of an earlier training."""
    record = directory / "trained.json"
    if not record.exists():
        write_whole(record, train(config, prepared, directory).model_dump_json())
    return Trained.model_validate_json(record.read_bytes())
