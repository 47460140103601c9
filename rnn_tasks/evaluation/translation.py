"""Corpus BLEU and chrF by sacrebleu, over all sentences and by source length."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sacrebleu.metrics import BLEU, CHRF

LENGTH_EDGES = (5, 10, 15, 20, 30, 40)


@dataclass(frozen=True)
class Score:
    """A corpus score from 0 to 100, and the sacrebleu signature that says how it was computed."""

    value: float
    signature: str


@dataclass(frozen=True)
class LengthBucket:
    """The score of the sentences whose source has `shortest` to `longest` tokens (`None`: without limit)."""

    shortest: int
    longest: int | None
    sentences: int
    bleu: float

    @property
    def label(self) -> str:
        """The range of lengths, for people: `6–10`, `41+`."""
        if self.longest is None:
            return f"{self.shortest}+"
        return f"{self.shortest}–{self.longest}" if self.shortest < self.longest else f"{self.longest}"


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
        ValueError: no sentences, or unequally many on the two sides.

    References:
        Papineni et al. 2002, "BLEU"; Post 2018, "A Call for Clarity in Reporting BLEU Scores".
    """
    _check_sides(hypotheses, references)
    # force silences the warning about tokenised text: a corpus that comes tokenised has no other form to be scored in.
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


def bleu_by_length(
    source_lengths: Sequence[int],
    hypotheses: Sequence[str],
    references: Sequence[str],
    edges: Sequence[int] = LENGTH_EDGES,
    lowercase: bool = False,
    tokenizer: str = "13a",
) -> list[LengthBucket]:
    """BLEU apart for short and long sources.

    Args:
        source_lengths: tokens in each source sentence.
        hypotheses: one translation a sentence.
        references: one reference a sentence.
        edges: rising upper bounds of the buckets, themselves included; one more bucket takes what is longer.
        lowercase: ignore case.
        tokenizer: as of `bleu`.

    Returns:
        The buckets that hold a sentence, shortest first.

    Raises:
        ValueError: no sentences, or unequally many lengths, hypotheses and references.
    """
    _check_sides(hypotheses, references)
    if len(source_lengths) != len(references):
        raise ValueError(f"{len(source_lengths)} source lengths for {len(references)} references")
    members: list[list[int]] = [[] for _ in range(len(edges) + 1)]
    for index, length in enumerate(source_lengths):
        members[bisect.bisect_left(edges, length)].append(index)
    return [
        LengthBucket(
            shortest=shortest,
            longest=longest,
            sentences=len(chosen),
            bleu=bleu([hypotheses[i] for i in chosen], [references[i] for i in chosen], lowercase, tokenizer).value,
        )
        for (shortest, longest), chosen in zip(_ranges(edges), members, strict=True)
        if chosen
    ]


def _ranges(edges: Sequence[int]) -> Iterator[tuple[int, int | None]]:
    shortest = 0
    for edge in edges:
        yield shortest, edge
        shortest = edge + 1
    yield shortest, None


def _check_sides(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} references")
    if not references:
        raise ValueError("no sentences to score")
