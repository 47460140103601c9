"""What test sets say about a translator: metrics, tables, figures and samples."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnn_tasks import plots
from rnn_tasks.evaluation.tables import write_table
from rnn_tasks.evaluation.translation import bleu, bleu_by_length, chrf
from rnn_tasks.task import Metric, Report, Trained

if TYPE_CHECKING:
    from rnn_tasks.export.translator import Hypothesis

SAMPLES, HEAT_MAPS = 50, 8
SHORTEST_MAPPED = 4  # source tokens; the attention of shorter sentences shows little
PRIMARY = "test"


@dataclass(frozen=True)
class TranslatedSet:
    """A test set and what became of it.

    Attributes:
        name: of the test set.
        sources, references: sentences, normalised.
        hypotheses: the best one of each sentence.
        baseline: the sentences as a trivial method translates them.
        loss: nats a target token.
        seconds: that decoding took.
    """

    name: str
    sources: Sequence[str]
    references: Sequence[str]
    hypotheses: Sequence[Hypothesis]
    baseline: Sequence[str]
    loss: float
    seconds: float

    @property
    def translations(self) -> list[str]:
        return [hypothesis.text for hypothesis in self.hypotheses]


def translation_report(sets: Sequence[TranslatedSet], trained: Trained, out_dir: Path) -> Report:
    """The report of a translator.

    Args:
        sets: each is reported by name (`<name>_bleu`, …); the first one also as `test_bleu`, …, and is shown.
        trained: whose history and training metrics are reported beside.
        out_dir: where tables and figures go.
    """
    shown = sets[0]
    metrics = [
        *_metrics(shown, PRIMARY),
        Metric(name="decode_sentences_per_second", value=len(shown.sources) / shown.seconds, unit="sentences/s"),
        *(metric for one in sets if one.name != PRIMARY for metric in _metrics(one, one.name)),
        *(Metric(name=name, value=trained.metrics[name]) for name in ("val_bleu", "train_target_tokens_per_second")),
    ]
    notes = {}
    for one in sets:
        for name, scorer in (("bleu", bleu), ("chrf", chrf)):
            notes[f"{one.name}_{name}_signature"] = scorer(one.translations, one.references).signature
    buckets = bleu_by_length([len(h.source_tokens) for h in shown.hypotheses], shown.translations, shown.references)
    picked = np.random.default_rng(0).permutation(len(shown.sources))[:SAMPLES]
    columns = (shown.sources, shown.references, shown.translations, shown.baseline)
    history = [json.loads(line) for line in trained.history.read_text().splitlines()]
    figures = {
        "learning_curves": plots.learning_curves(history),
        "bleu_by_length": plots.score_by_length(buckets),
        **{
            f"attention_{number}": plots.attention_map(h.alignment, h.source_tokens, h.target_tokens)
            for number, h in enumerate(_worth_mapping(shown.hypotheses[i] for i in picked), start=1)
        },
    }
    return Report(
        metrics=tuple(metrics),
        samples=write_table(
            out_dir / "samples.tsv",
            ("source", "reference", "translation", "word for word"),
            ([column[i] for column in columns] for i in picked),
        ),
        tables={
            "bleu_by_length": write_table(
                out_dir / "bleu_by_length.tsv",
                ("source tokens", "sentences", "bleu"),
                ((bucket.label, bucket.sentences, bucket.bleu) for bucket in buckets),
            )
        },
        figures={
            name: plots.save_figure(figure, out_dir / "figures" / f"{name}.png") for name, figure in figures.items()
        },
        notes=notes,
    )


def _metrics(one: TranslatedSet, prefix: str) -> Iterator[Metric]:
    for name, scorer in (("bleu", bleu), ("chrf", chrf)):
        ours, theirs = (scorer(sentences, one.references).value for sentences in (one.translations, one.baseline))
        yield Metric(name=f"{prefix}_{name}", value=ours, baseline=theirs)
    # A model that has learned nothing may be worse than any number that can be logged.
    yield Metric(name=f"{prefix}_perplexity", value=math.exp(min(one.loss, 50.0)), higher_is_better=False)


def _worth_mapping(hypotheses: Iterator[Hypothesis]) -> list[Hypothesis]:
    """Those that attention says something about."""
    telling = [h for h in hypotheses if len(h.source_tokens) >= SHORTEST_MAPPED and np.any(h.alignment)]
    return telling[:HEAT_MAPS]
