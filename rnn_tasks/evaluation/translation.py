"""Scores of hypotheses against references: BLEU and chrF by sacreBLEU, exact match and character error rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sacrebleu.metrics import BLEU, CHRF


class Score(NamedTuple):
    """A corpus score, and the sacreBLEU signature that says how it was computed, if it has one."""

    value: float
    signature: str = ""


class Scorer(NamedTuple):
    """How hypotheses are compared with references.

    Attributes:
        score: (hypotheses, references) -> Score.
        higher_is_better: whether a higher score is better.
    """

    score: Callable[[Sequence[str], Sequence[str]], Score]
    higher_is_better: bool = True


def bleu(
    hypotheses: Sequence[str], references: Sequence[str], lowercase: bool = False, tokenizer: str = "13a"
) -> Score:
    """Corpus BLEU of sentences, as `sacrebleu --tokenize` computes it.

    Args:
        hypotheses: one translation a sentence; may be empty strings.
        references: one reference a sentence, in the same order.
        lowercase: ignore case; the signature says so.
        tokenizer: sacreBLEU's name of it, from `bleu_tokenizer`.

    Returns:
        The score, from 0 to 100, with its signature.

    Raises:
        ValueError: no sentences, or different numbers of hypotheses and references.

    References:
        Papineni et al. 2002, "BLEU"; Post 2018, "A Call for Clarity in Reporting BLEU Scores".
    """
    _check_sides(hypotheses, references)
    # force silences the warning about tokenised text: for a corpus that is already tokenised, there is no other form.
    metric = BLEU(lowercase=lowercase, tokenize=tokenizer, force=True)
    value = metric.corpus_score(hypotheses, [references]).score
    return Score(value, str(metric.get_signature()))


def chrf(hypotheses: Sequence[str], references: Sequence[str], lowercase: bool = False) -> Score:
    """Corpus chrF2, the F-score of character n-grams up to 6.

    Arguments, result and errors are those of `bleu`.

    References:
        Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation".
    """
    _check_sides(hypotheses, references)
    metric = CHRF(lowercase=lowercase)
    value = metric.corpus_score(hypotheses, [references]).score
    return Score(value, str(metric.get_signature()))


def exact_match(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """The share of hypotheses that are identical to their reference, from 0 to 1."""
    _check_sides(hypotheses, references)
    return Score(sum(map(str.__eq__, hypotheses, references)) / len(references))


def character_error_rate(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Insertions, deletions and substitutions of characters, for each character of the references (nltk's distance)."""
    from nltk.metrics.distance import edit_distance

    _check_sides(hypotheses, references)
    errors = sum(edit_distance(ours, right) for ours, right in zip(hypotheses, references, strict=True))
    return Score(errors / max(sum(map(len, references)), 1))


def _check_sides(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} references")
    if not references:
        raise ValueError("no sentences to score")
