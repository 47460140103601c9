"""A run in Markdown: its figures beside the baselines, and some samples; for its pages in MLflow and Prefect."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from pipelines import names
from rnn_tasks.task import Report

METRICS, SAMPLES, CELL_LENGTH = 12, 5, 160
LENGTH = 7500  # MLflow's store takes tags of 8000


def described(report: Report) -> str:
    """The first metrics with their baselines, and the first samples, as two tables."""
    metrics = [
        (f"`{m.name}`", f"{m.value:.4g} {m.unit}".strip(), "" if m.baseline is None else f"{m.baseline:.4g}")
        for m in report.metrics[:METRICS]
    ]
    further = len(report.metrics) - METRICS
    text = table(["metric", "value", "baseline"], metrics, "| --- | ---: | ---: |")
    if further > 0:
        text += f"\n\n{further} more are among the run's metrics."
    header, *samples = first_rows(report.samples, SAMPLES)
    while samples and len(text) + len(table(header, samples)) > LENGTH:
        samples.pop()
    return f"{text}\n\n{table(header, samples)}" if samples else text


def main_figure(report: Report) -> Path | None:
    """The figure of where attention looked, else the first figure that is no learning curve."""
    by_worth = sorted(report.figures, key=lambda name: (name == "learning_curves", not name.startswith("attention")))
    return report.figures[by_worth[0]] if by_worth else None


def first_rows(path: Path, count: int) -> list[list[str]]:
    """The header of a TSV table, and its first `count` rows."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(islice(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), count + 1))


def table(header: Sequence[str], rows: Iterable[Sequence[str]], rule: str = "") -> str:
    """A table in Markdown; cells are text, or code in backticks. `rule` is its second line, which aligns columns."""
    lines = ["| " + " | ".join(row) + " |" for row in [[_cell(cell) for cell in row] for row in (header, *rows)]]
    return "\n".join([lines[0], rule or "|" + " --- |" * len(header), *lines[1:]])


def _cell(text: str) -> str:
    """Any text, escaped so that no reader takes it for Markdown or HTML; code stays code."""
    if re.fullmatch(r"`[^`|]*`", text):
        return text
    plain = " ".join(names.shortened(text, CELL_LENGTH).split())
    return re.sub(r"[&<>|*_`~#\\\[\]{}]", lambda sign: f"&#{ord(sign[0])};", plain)
