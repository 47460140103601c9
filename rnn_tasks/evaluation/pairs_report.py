"""The report on a model that writes strings: scores, tables, figures and samples of test sets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnn_tasks import plots
from rnn_tasks.evaluation.groups import length_ranges, score_by_group
from rnn_tasks.evaluation.history import read_history
from rnn_tasks.evaluation.tables import write_table
from rnn_tasks.evaluation.translation import Scorer
from rnn_tasks.task import Metric, Report, Trained

if TYPE_CHECKING:
    from rnn_tasks.export.translator import Hypothesis

SAMPLES, HEAT_MAPS = 50, 8
SHORTEST_MAPPED = 4  # source tokens; the attention of shorter sources shows little
PRIMARY = "test"


@dataclass(frozen=True)
class JudgedPairs:
    """A test set and a model's results on it.

    Attributes:
        name: of the test set.
        sources, references: strings, as in the user's files.
        hypotheses: the best hypothesis for each source.
        baseline: the output of a trivial method for each source.
        loss: nats per target token.
        seconds: the decoding time.
    """

    name: str
    sources: Sequence[str]
    references: Sequence[str]
    hypotheses: Sequence[Hypothesis]
    baseline: Sequence[str]
    loss: float
    seconds: float

    @property
    def written(self) -> list[str]:
        return [hypothesis.text for hypothesis in self.hypotheses]


def pairs_report(sets: Sequence[JudgedPairs], scorers: Mapping[str, Scorer], trained: Trained, out_dir: Path) -> Report:
    """The report of a model that writes strings.

    Args:
        sets: each is reported by name (`<name>_bleu`, …); the first one also as `test_bleu`, …, and with samples.
        scorers: by name; the first one also by length of the source.
        trained: its history and training metrics are reported, too.
        out_dir: directory for tables and figures.
    """
    shown = sets[0]
    first, scorer = next(iter(scorers.items()))
    training = (name for name in trained.metrics if name == f"val_{first}" or name.startswith("train_"))
    metrics = [
        *_metrics(shown, PRIMARY, scorers),
        Metric(name="decode_sentences_per_second", value=len(shown.sources) / shown.seconds, unit="sentences/s"),
        *(metric for one in sets if one.name != PRIMARY for metric in _metrics(one, one.name, scorers)),
        *(Metric(name=name, value=trained.metrics[name]) for name in training),
    ]
    signatures = {
        f"{one.name}_{name}_signature": scorer.score(one.written, one.references).signature
        for one in sets
        for name, scorer in scorers.items()
    }
    picked = np.random.default_rng(0).permutation(len(shown.sources))[:SAMPLES]
    columns = (shown.sources, shown.references, shown.written, shown.baseline)
    by_length = score_by_group(
        length_ranges([len(hypothesis.source_tokens) for hypothesis in shown.hypotheses]),
        lambda rows: [
            scorer.score([side[i] for i in rows], [shown.references[i] for i in rows]).value
            for side in (shown.written, shown.baseline)
        ],
    )
    figures = {
        "learning_curves": plots.learning_curves(read_history(trained.history)),
        f"{first}_by_length": plots.score_by_group(
            by_length, "source length (tokens)", [first, f"{first} of the baseline"]
        ),
        **{
            f"attention_{number}": plots.attention_map(h.alignment, h.source_tokens, h.target_tokens)
            for number, h in enumerate(_worth_mapping(shown.hypotheses[i] for i in picked), start=1)
        },
    }
    return Report(
        metrics=tuple(metrics),
        samples=write_table(
            out_dir / "samples.tsv",
            ("source", "reference", "hypothesis", "baseline"),
            ([column[i] for column in columns] for i in picked),
        ),
        tables={
            f"{first}_by_length": write_table(
                out_dir / f"{first}_by_length.tsv", ("source tokens", "sources", first, "baseline"), by_length
            )
        },
        figures={
            name: plots.save_figure(figure, out_dir / "figures" / f"{name}.png") for name, figure in figures.items()
        },
        notes={name: signature for name, signature in signatures.items() if signature},
    )


def _metrics(one: JudgedPairs, prefix: str, scorers: Mapping[str, Scorer]) -> Iterator[Metric]:
    for name, scorer in scorers.items():
        ours, theirs = (scorer.score(side, one.references).value for side in (one.written, one.baseline))
        yield Metric(name=f"{prefix}_{name}", value=ours, baseline=theirs, higher_is_better=scorer.higher_is_better)
    # The perplexity of a model that has learned nothing may be too large to log.
    yield Metric(name=f"{prefix}_perplexity", value=math.exp(min(one.loss, 50.0)), higher_is_better=False)


def _worth_mapping(hypotheses: Iterator[Hypothesis]) -> list[Hypothesis]:
    """The hypotheses whose attention is worth showing."""
    telling = [h for h in hypotheses if len(h.source_tokens) >= SHORTEST_MAPPED and np.any(h.alignment)]
    return telling[:HEAT_MAPS]
