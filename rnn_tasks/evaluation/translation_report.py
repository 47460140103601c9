"""What test sets say about a translator: metrics, tables, figures and samples."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnn_tasks import plots, text
from rnn_tasks.evaluation.tables import write_table
from rnn_tasks.evaluation.translation import Score, bleu, bleu_by_length, chrf
from rnn_tasks.task import Metric, Report, Trained

if TYPE_CHECKING:
    from rnn_tasks.export.translator import Hypothesis

SAMPLES, HEAT_MAPS = 50, 8
SHORTEST_MAPPED = 4  # source tokens; the attention of shorter sentences shows little
PRIMARY = "test"

Scorer = Callable[[Sequence[str], Sequence[str]], Score]


@dataclass(frozen=True)
class TranslatedSet:
    """A test set and what became of it.

    Attributes:
        name: of the test set.
        sources, references: sentences, as the user's files have them.
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


def translation_report(
    sets: Sequence[TranslatedSet], trained: Trained, out_dir: Path, tokenizer: str = "13a", lowercase: bool = False
) -> Report:
    """The report of a translator.

    Args:
        sets: each is reported by name (`<name>_bleu`, …); the first one also as `test_bleu`, …, and is shown.
        trained: whose history and training metrics are reported beside.
        out_dir: where tables and figures go.
        tokenizer: of BLEU, from `bleu_tokenizer`.
        lowercase: whether `<name>_bleu_normalized` ignores case, too.
    """
    shown = sets[0]
    scorers: dict[str, Scorer] = {"bleu": functools.partial(bleu, tokenizer=tokenizer), "chrf": chrf}
    metrics = [
        *_metrics(shown, PRIMARY, scorers, lowercase),
        Metric(name="decode_sentences_per_second", value=len(shown.sources) / shown.seconds, unit="sentences/s"),
        *(metric for one in sets if one.name != PRIMARY for metric in _metrics(one, one.name, scorers, lowercase)),
        *(Metric(name=name, value=trained.metrics[name]) for name in ("val_bleu", "train_target_tokens_per_second")),
    ]
    notes = {}
    for one in sets:
        for name, scorer in scorers.items():
            notes[f"{one.name}_{name}_signature"] = scorer(one.translations, one.references).signature
    lengths = [len(h.source_tokens) for h in shown.hypotheses]
    buckets = bleu_by_length(lengths, shown.translations, shown.references, tokenizer=tokenizer)
    picked = np.random.default_rng(0).permutation(len(shown.sources))[:SAMPLES]
    columns = (shown.sources, shown.references, shown.translations, shown.baseline)
    history = [json.loads(line) for line in trained.history.read_bytes().splitlines()]
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


def _metrics(one: TranslatedSet, prefix: str, scorers: Mapping[str, Scorer], lowercase: bool) -> Iterator[Metric]:
    def scored(name: str, scorer: Scorer, spelled: Callable[[Sequence[str]], Sequence[str]] = list) -> Metric:
        ours, theirs = (
            scorer(spelled(sentences), spelled(one.references)).value for sentences in (one.translations, one.baseline)
        )
        return Metric(name=f"{prefix}_{name}", value=ours, baseline=theirs)

    yield from (scored(name, scorer) for name, scorer in scorers.items())
    spelled = functools.partial(_normalized, lowercase=lowercase)
    if spelled(one.references) != list(one.references):
        yield scored("bleu_normalized", scorers["bleu"], spelled)
    # A model that has learned nothing may be worse than any number that can be logged.
    yield Metric(name=f"{prefix}_perplexity", value=math.exp(min(one.loss, 50.0)), higher_is_better=False)


def _normalized(sentences: Sequence[str], lowercase: bool) -> list[str]:
    """In one spelling, which typography does not decide about."""
    return [sentence.decode() for sentence in text.normalize(list(sentences), lowercase).numpy()]


def _worth_mapping(hypotheses: Iterator[Hypothesis]) -> list[Hypothesis]:
    """Those that attention says something about."""
    telling = [h for h in hypotheses if len(h.source_tokens) >= SHORTEST_MAPPED and np.any(h.alignment)]
    return telling[:HEAT_MAPS]
