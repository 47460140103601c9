"""What a sweep leaves in MLflow beside its parent: a table, a figure, the best settings."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from pipelines import run_description, tracking
from pipelines.search_space import SearchSpace
from pipelines.sweep import Swept
from rnn_tasks import plots
from rnn_tasks.files import write_whole

MOST_TOLD = 1_000  # characters of the best settings


def log(space: SearchSpace, swept: Swept) -> None:
    """Table, parallel coordinates of the trials that have a figure, and the best."""
    with tempfile.TemporaryDirectory() as directory:
        table = write_whole(Path(directory) / "trials.tsv", _table(space, swept))
        tracking.client().log_artifact(swept.parent, str(table), "tables")
        rows = [{**trial.settings, swept.metric: trial.mean} for trial in swept.trials if trial.mean is not None]
        figure = plots.parallel_coordinates(
            rows, swept.metric, [key for key, found in space.ranges.items() if found.log], swept.higher_is_better
        )
        drawn = plots.save_figure(figure, Path(directory) / "parallel_coordinates.png")
        tracking.client().log_artifact(swept.parent, str(drawn), "figures")
    tracking.log_metrics(swept.parent, {f"best/{swept.metric}": swept.best.mean or 0.0})
    best = ", ".join(f"`{key}` {json.dumps(value)}" for key, value in swept.best.settings.items())
    told = f"Best of {len(swept.trials)} trials: {best}"
    tracking.set_tags(swept.parent, {tracking.DESCRIPTION: f"{told[:MOST_TOLD]}\n\n{_described(space, swept)}"})


def _rows(space: SearchSpace, swept: Swept) -> list[list[str]]:
    """The header, then a row a trial, the best first."""
    counted = ("finished", "pruned", "failed")
    rows = [["trial", *space.varied, swept.metric, "lowest", "highest", *counted]]
    for trial in swept.trials:
        figures = ["" if value is None else f"{value:.6g}" for value in (trial.mean, trial.low, trial.high)]
        settings = [json.dumps(trial.settings[key]) for key in space.varied]
        rows.append([str(trial.number), *settings, *figures, *(str(trial.count(status)) for status in counted)])
    return rows


def _table(space: SearchSpace, swept: Swept) -> str:
    return "".join("\t".join(row) + "\n" for row in _rows(space, swept))


def _described(space: SearchSpace, swept: Swept) -> str:
    """The best trials as a table, as many as MLflow takes; the whole table is a file."""
    header, *body = _rows(space, swept)
    while len(found := run_description.table(header, body)) > run_description.LENGTH - MOST_TOLD and len(body) > 1:
        body = body[: len(body) // 2]
    return found
