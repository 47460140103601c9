"""Tests of word vectors: human similarity, analogies, classes of words. All use only words that have a vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.export.neighbours import cosine_neighbours
from rnn_tasks.text.lines import TextFile, read_lines

ROWS_AT_ONCE = 1024
QUESTIONS_A_CLASS = 50
MEMBERS = 4
Form = Callable[[str], str]


class Covered(NamedTuple):
    """A score (NaN without questions), the number of questions that count for it, and the number of all questions."""

    score: float
    answered: int
    asked: int

    @property
    def coverage(self) -> float:
        return self.answered / max(self.asked, 1)


class WordPair(NamedTuple):
    """Two words and the similarity that people see between them."""

    first: str
    second: str
    score: float


def read_similarity(path: Path, form: Form = str) -> list[WordPair]:
    """Read `word<TAB>word<TAB>score` lines, or with semicolons, commas or spaces; further columns are ignored.

    A header, blank lines and `#` comments are skipped. The decimal mark is a dot; it may be a comma if columns are not
    separated by commas.

    Args:
        path: of the file.
        form: word -> the form in which it is looked up.

    Raises:
        UserError: the file is unreadable, a line has another form, or there is no pair.
    """
    pairs: list[WordPair] = []
    met_header = False
    for number, line in enumerate(read_lines(TextFile(path)), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if pair := _pair(line, form):
            pairs.append(pair)
        elif pairs or met_header:
            raise UserError(f"{path}, line {number}: found {line[:80]!r}; accepted is word<TAB>word<TAB>score")
        met_header = True
    if not pairs:
        raise UserError(f"{path}: no pair of words; accepted are word<TAB>word<TAB>score lines")
    return pairs


def _pair(line: str, form: Form) -> WordPair | None:
    """The pair and score of a line, split at the first separator that gives such a pair."""
    for separator in ("\t", ";", ",", None):
        cells = [cell.strip(' "') for cell in line.split(separator)]
        if len(cells) < 3 or not all(cells[:3]):
            continue
        first, second, score = cells[:3]
        value = _number(score if separator == "," else score.replace(",", "."))
        in_two = separator == "," and len(cells) == 4 and all(cell.isdigit() for cell in cells[2:])  # 7,35
        stray = separator is None and any(mark in first + second for mark in ",;")
        if value is not None and not in_two and not stray:
            return WordPair(form(first), form(second), value)
    return None


def read_analogies(path: Path, form: Form = str) -> dict[str, list[tuple[str, str, str, str]]]:
    """Read `a b c d` lines by section; a line `: name` begins a section. Arguments as in `read_similarity`.

    Raises:
        UserError: the file is unreadable, a line has another form, or there is no question.
    """
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    name = "questions"
    for number, line in enumerate(read_lines(TextFile(path)), 1):
        words = line.split()
        if line.startswith(":"):
            name = line[1:].strip() or name
        elif len(words) == 4:
            a, b, c, d = map(form, words)
            sections.setdefault(name, []).append((a, b, c, d))
        elif words:
            raise UserError(f"{path}, line {number}: found {line[:80]!r}; accepted are four words, or `: section`")
    if not sections:
        raise UserError(f"{path}: no question; accepted are `a b c d` lines")
    return sections


def read_classes(path: Path, form: Form = str) -> dict[str, str]:
    """Read `word<TAB>class` lines as word -> class. Arguments as in `read_similarity`.

    Raises:
        UserError: the file is unreadable, a line has another form, a word has two classes, or there are fewer than two
            classes.
    """
    classes: dict[str, str] = {}
    for number, line in enumerate(read_lines(TextFile(path)), 1):
        word, _, name = (part.strip() for part in line.partition("\t"))
        if not line.strip():
            continue
        if not word or not name or "\t" in name:
            raise UserError(f"{path}, line {number}: found {line[:80]!r}; accepted is word<TAB>class")
        word = form(word)
        if classes.setdefault(word, name) != name:
            raise UserError(f"{path}, line {number}: {word!r} is {name!r}, but {classes[word]!r} above")
    if len(set(classes.values())) < 2:
        raise UserError(f"{path}: {len(set(classes.values()))} classes; accepted are two or more")
    return classes


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def similarity(unit: np.ndarray, rows: Mapping[str, int], pairs: Sequence[WordPair]) -> Covered:
    """Spearman's rank correlation of cosines with people's scores, over pairs of known words.

    Args:
        unit: (words, dim) vectors of length 1.
        rows: word -> row.
        pairs: word pairs with people's scores.
    """
    from scipy.stats import spearmanr

    known = [pair for pair in pairs if pair.first in rows and pair.second in rows]
    if len(known) < 3:
        return Covered(float("nan"), len(known), len(pairs))
    first, second = ([rows[word] for word in side] for side in ([p.first for p in known], [p.second for p in known]))
    cosines = np.sum(unit[first] * unit[second], axis=1)
    return Covered(float(spearmanr(cosines, [p.score for p in known]).statistic), len(known), len(pairs))


def analogy_answers(unit: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """(questions,) the row nearest to b - a + c that is none of the three (3CosAdd).

    Args:
        unit: (words, dim) vectors of length 1.
        questions: (questions, 3 or more) rows a, b, c.

    References:
        Mikolov, Yih & Zweig 2013, "Linguistic Regularities in Continuous Space Word Representations".
    """
    found = np.empty(len(questions), np.int64)
    for start in range(0, len(questions), ROWS_AT_ONCE):
        a, b, c = questions[start : start + ROWS_AT_ONCE, :3].T
        cosines = (unit[b] - unit[a] + unit[c]) @ unit.T  # (rows, words)
        for given in (a, b, c):
            cosines[np.arange(len(given)), given] = -np.inf
        found[start : start + len(a)] = cosines.argmax(axis=1)
    return found


def analogies(
    unit: np.ndarray, rows: Mapping[str, int], sections: Mapping[str, Sequence[tuple[str, str, str, str]]]
) -> dict[str, Covered]:
    """Share of right answers, section by section, over questions whose four words are known."""
    found = {}
    for name, asked in sections.items():
        known = np.array([[rows[word] for word in words] for words in asked if all(word in rows for word in words)])
        right = float(np.mean(analogy_answers(unit, known) == known[:, 3])) if len(known) else float("nan")
        found[name] = Covered(right, len(known), len(asked))
    return found


def together(parts: Sequence[Covered]) -> Covered:
    """All questions as one set."""
    answered, asked = (sum(getattr(part, name) for part in parts) for name in ("answered", "asked"))
    right = sum(part.score * part.answered for part in parts if part.answered)
    return Covered(right / answered if answered else float("nan"), answered, asked)


def nearest_of_class(unit: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(words,) whether each word's nearest word is of its class.

    Args:
        unit: (words, dim) vectors of length 1, of the words that have a class.
        classes: (words,) numbers.
    """
    return classes[cosine_neighbours(unit, 1).indices[:, 0]] == classes


def purity(unit: np.ndarray, classes: np.ndarray, seed: int) -> float:
    """Share of words that have the commonest class of their cluster; there are as many k-means clusters as classes."""
    from sklearn.cluster import KMeans

    count = len(np.unique(classes))
    clusters = KMeans(count, n_init=10, random_state=seed).fit_predict(unit)
    commonest = (np.bincount(classes[clusters == cluster]).max() for cluster in np.unique(clusters))
    return float(sum(commonest) / len(classes))


def odd_one_out(unit: np.ndarray, classes: np.ndarray, seed: int) -> float:
    """Share of groups in which the odd word is least like the others; a group has `MEMBERS` words of one class and one
    word of another.

    `QUESTIONS_A_CLASS` groups are drawn from each class that has enough members; NaN if no class has enough.
    """
    rng = np.random.default_rng(seed)
    right = []
    for name in np.unique(classes):
        inside, outside = np.flatnonzero(classes == name), np.flatnonzero(classes != name)
        for _ in range(QUESTIONS_A_CLASS if len(inside) >= MEMBERS and len(outside) else 0):
            group = unit[[*rng.choice(inside, MEMBERS, replace=False), rng.choice(outside)]]
            likeness = group @ group.T
            right.append(likeness.sum(axis=1).argmin() == MEMBERS)
    return float(np.mean(right)) if right else float("nan")
