"""The report of word vectors: on held-out text, and on people's judgements of words that the vectors cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnn_tasks import evaluation, plots
from rnn_tasks.evaluation.word_tests import (
    Covered,
    analogies,
    nearest_of_class,
    odd_one_out,
    purity,
    read_analogies,
    read_classes,
    read_similarity,
    similarity,
    together,
)
from rnn_tasks.export.neighbours import unit_rows
from rnn_tasks.task import Metric, Report, Trained
from rnn_tasks.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from rnn_tasks.text.word_form import WordForm

CLASSES, SIMILARITY, ANALOGIES = "test_classes.txt", "test_similarity.txt", "test_analogies.txt"
SAMPLES, NEIGHBOURS, SEED = 30, 6, 0


@dataclass(frozen=True)
class JudgedVectors:
    """Our vectors, and those of a trivial method: (words, dim) each, in the order of the vocabulary."""

    vocabulary: Vocabulary
    vectors: np.ndarray
    baseline: np.ndarray
    form: WordForm


def words_report(
    judged: JudgedVectors, metrics: Sequence[Metric], directory: Path, trained: Trained, out_dir: Path
) -> Report:
    """The questions of the files in `directory`, answered by our vectors and the baseline's.

    Args:
        judged: ours and the baseline's.
        metrics: of the test text.
        directory: may hold `CLASSES`, `SIMILARITY` and `ANALOGIES`.
        trained: its learning curves are drawn.
        out_dir: where tables and figures go.
    """
    tests = _Tests(judged, directory)
    found = [*tests.by_class(), *tests.by_similarity(), *tests.by_analogy()]
    training = (Metric(name=name, value=trained.metrics[name]) for name in trained.metrics if name.startswith("train_"))
    figures = {"learning_curves": plots.learning_curves(evaluation.read_history(trained.history)), **tests.figures}
    return Report(
        metrics=(*metrics, *found, *training),
        samples=evaluation.write_table(out_dir / "samples.tsv", ("word", "count", "nearest words"), tests.samples()),
        tables={n: evaluation.write_table(out_dir / f"{n}.tsv", rows[0], rows[1:]) for n, rows in tests.tables.items()},
        figures={name: plots.save_figure(figure, out_dir / f"{name}.png") for name, figure in figures.items()},
    )


def classes_in(directory: Path, form: WordForm) -> dict[str, str]:
    """word -> class, from the file of classes; empty if there is no file."""
    path = directory / CLASSES
    return read_classes(path, form.word) if path.exists() else {}


class _Tests:
    """Questions of every kind, answered by our vectors and the baseline's."""

    def __init__(self, judged: JudgedVectors, directory: Path):
        self.judged, self.directory = judged, directory
        self.both = [unit_rows(vectors[len(SPECIAL_TOKENS) :]) for vectors in (judged.vectors, judged.baseline)]
        self.words = judged.vocabulary.tokens[len(SPECIAL_TOKENS) :]
        self.rows = {word: row for row, word in enumerate(self.words)}
        self.tables: dict[str, list[Sequence[Any]]] = {}
        self.figures: dict[str, Any] = {}
        self.classes = classes_in(directory, judged.form)

    def by_class(self) -> Iterator[Metric]:
        known = [word for word in self.classes if word in self.rows]
        names = sorted({self.classes[word] for word in known})
        if len(names) < 2:
            return
        classes = np.array([names.index(self.classes[word]) for word in known])
        both = [unit[[self.rows[word] for word in known]] for unit in self.both]
        right = [nearest_of_class(unit, classes) for unit in both]
        scores = {
            "class_accuracy": [float(one.mean()) for one in right],
            "class_purity": [purity(unit, classes, SEED) for unit in both],
            "odd_one_out": [odd_one_out(unit, classes, SEED) for unit in both],
        }
        for name, (ours, theirs) in scores.items():
            if np.isfinite(ours):
                yield Metric(name=f"test_{name}", value=ours, baseline=theirs)
        yield _coverage("class", Covered(1.0, len(known), len(self.classes)))
        members = [(name, np.flatnonzero(classes == number)) for number, name in enumerate(names)]
        rows = [(name, len(inside), *(float(one[inside].mean()) for one in right)) for name, inside in members]
        self.tables["classes"] = [("class", "words", "nearest word is of it", "baseline"), *rows]

    def by_similarity(self) -> Iterator[Metric]:
        path = self.directory / SIMILARITY
        if not path.exists():
            return
        pairs = read_similarity(path, self.judged.form.word)
        ours, theirs = (similarity(unit, self.rows, pairs) for unit in self.both)
        if np.isfinite(ours.score):
            yield Metric(name="test_similarity", value=ours.score, baseline=theirs.score)
        yield _coverage("similarity", ours)
        known = [pair for pair in pairs if pair.first in self.rows and pair.second in self.rows]
        cosines = [[float(unit[self.rows[p.first]] @ unit[self.rows[p.second]]) for unit in self.both] for p in known]
        rows = [(*pair, *both) for pair, both in zip(known, cosines, strict=True)]
        self.tables["similarity"] = [("word", "word", "people", "cosine", "baseline"), *rows]

    def by_analogy(self) -> Iterator[Metric]:
        path = self.directory / ANALOGIES
        if not path.exists():
            return
        sections = read_analogies(path, self.judged.form.word)
        ours, theirs = (analogies(unit, self.rows, sections) for unit in self.both)
        all_ours, all_theirs = together(list(ours.values())), together(list(theirs.values()))
        if np.isfinite(all_ours.score):
            yield Metric(name="test_analogies", value=all_ours.score, baseline=all_theirs.score)
        yield _coverage("analogies", all_ours)
        rows = [
            (name, one.asked, one.answered, *(f"{score:.4f}" if one.answered else "" for score in (one.score, other)))
            for name, one, other in ((name, ours[name], theirs[name].score) for name in ours)
        ]
        self.tables["analogies"] = [("section", "questions", "covered", "right", "baseline"), *rows]

    def samples(self) -> list[tuple[str, int, str]]:
        """Words from frequent to rare, with their nearest words; if there are classes, only words that have one."""
        chosen = [self.rows[word] for word in self.classes if word in self.rows] or list(range(len(self.words)))
        chosen.sort()
        last = min(len(chosen), 20 * SAMPLES) - 1  # the text says too little of rare words
        places = np.unique(np.geomspace(1, last + 1, 2 * SAMPLES).astype(int) - 1)
        picked = [chosen[place] for place in np.random.default_rng(SEED).permutation(places)[:SAMPLES]]
        unit, counts = self.both[0], self.judged.vocabulary.counts[len(SPECIAL_TOKENS) :]
        rows = []
        for row in picked:
            cosines = unit @ unit[row]
            cosines[row] = -np.inf
            near = np.argsort(-cosines, kind="stable")[: min(NEIGHBOURS, len(unit) - 1)]
            said = ", ".join(f"{self.words[other]} {cosines[other]:.2f}" for other in near)
            rows.append((self.words[row], counts[row], said))
        return rows


def _coverage(name: str, covered: Covered) -> Metric:
    return Metric(name=f"test_{name}_coverage", value=covered.coverage)


def frequency_bands(counts: Sequence[int]) -> list[str]:
    """How frequent each word is, in powers of ten: "1,000 or more", "100 to 999", …"""
    bands = [
        (10_000, "10,000 or more"),
        (1_000, "1,000 to 9,999"),
        (100, "100 to 999"),
        (10, "10 to 99"),
        (0, "below 10"),
    ]
    return [next(name for least, name in bands if number >= least) for number in counts]
