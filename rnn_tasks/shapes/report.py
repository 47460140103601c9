"""The report of a task that answers sequences: metrics, baselines, tables, figures, samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnn_tasks import evaluation, plots
from rnn_tasks.dataset import RECORDS, TARGETS
from rnn_tasks.shapes.details import Details, Judged
from rnn_tasks.shapes.heads import Head, Score
from rnn_tasks.task import Metric, Report

SAMPLES = 50
STEPS_SHOWN = 20


def answers_report(head: Head, judged: Judged, details: Details, out_dir: Path) -> Report:
    """What the test split says.

    Args:
        head: judges answers.
        judged: the test split and its answers.
        details: what the task adds.
        out_dir: where tables and figures go.
    """
    by_group = {name: _group_rows(head, judged, details, members) for name, members in details.groups.items()}
    metrics = [*_metrics(head, judged), *_further_metrics(head, judged, details, by_group), *details.metrics]
    columns = [f"{name} {_primary(head, judged).name}".strip() for name in ("", *list(details.baselines)[:1])]
    tables: dict[str, Sequence[Sequence[Any]]] = {
        f"by_{name}": [(name, "answers", *columns), *rows] for name, rows in by_group.items()
    }
    examples = details.examples_an_epoch or len(judged.train)
    figures = {
        "learning_curves": plots.learning_curves(evaluation.read_history(judged.trained.history), examples),
        **{f"by_{name}": plots.score_by_group(rows, name, columns) for name, rows in by_group.items()},
    }
    if head.classes:
        confusion = evaluation.confusion_matrix(np.ravel(judged.targets), np.ravel(judged.decisions), len(head.classes))
        tables["confusion"] = evaluation.confusion_table(confusion, head.classes)
        tables["per_class"] = evaluation.per_class_table(
            np.ravel(judged.targets), np.ravel(judged.decisions), head.classes
        )
        figures["confusion"] = plots.confusion(confusion, head.classes)
    tables |= details.tables
    figures |= details.figures
    return Report(
        metrics=tuple(metrics),
        samples=evaluation.write_table(out_dir / "samples.tsv", *_samples(head, judged, details)),
        tables={n: evaluation.write_table(out_dir / f"{n}.tsv", rows[0], rows[1:]) for n, rows in tables.items()},
        figures={name: plots.save_figure(figure, out_dir / f"{name}.png") for name, figure in figures.items()},
    )


def _primary(head: Head, judged: Judged) -> Score:
    return head.judge(judged.decisions, judged.targets)


def _metrics(head: Head, judged: Judged) -> Iterator[Metric]:
    """The head's own scores, beside those of counting the training targets."""
    train_targets = judged.train[TARGETS]
    trivial = head.trivial(getattr(train_targets, "values", train_targets), len(judged.targets))
    ours, theirs = (head.scores(answers, judged.targets) for answers in (judged.answers, trivial))
    for score, baseline in zip(ours, theirs, strict=True):
        yield _metric(score, score.name, baseline.value)


def _metric(score: Score, name: str, baseline: float | None = None) -> Metric:
    return Metric(
        name=f"test_{name}",
        value=score.value,
        unit=score.unit,
        higher_is_better=score.higher_is_better,
        baseline=baseline,
    )


def _further_metrics(
    head: Head, judged: Judged, details: Details, by_group: dict[str, list[tuple[Any, ...]]]
) -> Iterator[Metric]:
    """Metrics of the task's own trivial methods, and of each group in the grouping that `metrics_of` names."""
    for name, decisions in details.baselines.items():
        score = head.judge(decisions, judged.targets)
        yield _metric(score, f"{name}_{score.name}")
    for group, _, value, *baseline in by_group.get(details.metrics_of, []):
        score = _primary(head, judged)._replace(value=value)
        yield _metric(score, f"{score.name}_{group}", *baseline)


def _group_rows(head: Head, judged: Judged, details: Details, groups: Any) -> list[tuple[Any, ...]]:
    methods = [judged.decisions, *list(details.baselines.values())[:1]]
    return evaluation.score_by_group(
        groups, lambda rows: [head.judge(np.asarray(one)[rows], judged.targets[rows]).value for one in methods]
    )


def _samples(head: Head, judged: Judged, details: Details) -> tuple[list[str], list[list[Any]]]:
    """Header and rows: the worst mistakes first, then right answers that were least sure."""
    likelihood = head.likelihood(judged.answers, judged.targets)
    sure = np.bincount(judged.example, likelihood) / np.bincount(judged.example)  # (examples,)
    starts = np.searchsorted(judged.example, np.arange(len(judged.test) + 1))
    records = judged.test.fields.get(RECORDS) or [f"test example {i + 1}" for i in range(len(judged.test))]
    # Groups are of answers: they describe an example only if it has one answer.
    groups = details.groups if len(judged.example) == len(judged.test) else {}
    header, rows = ["record", "target", "answer", *groups], []
    for i in np.argsort(sure, kind="stable")[:SAMPLES]:
        start, end = starts[i : i + 2]
        most = min(end - start, STEPS_SHOWN)
        steps = slice(end - most, end) if details.from_the_end else slice(start, start + most)
        decisions = (" ".join(map(head.shown, values[steps])) for values in (judged.targets, judged.decisions))
        rows.append([records[i], *decisions, *(members[i] for members in groups.values())])
        if head.classes:
            rows[-1].append(float(sure[i]))
    return [*header, *(["probability of the target"] if head.classes else [])], rows
