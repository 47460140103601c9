"""A parallel corpus turned into files of token ids, in memory that does not grow with the corpus.

There are three passes. The first cuts all text into words, kept in temporary files, and takes a hash of every pair,
to find pairs that leak or repeat. The second counts the words of the remaining pairs, for the vocabularies. The third
writes ids. The directory then contains

    train.source.values train.source.offsets   train.target.values …   val.source.values …     see `RaggedArray`
    val.source.txt     val.target.txt         test.source.txt …                         the text as it is, not of train
    source.vocabulary  target.vocabulary                                                see `Vocabulary`

Ids are in natural order and without `<go>` and `<eos>`: `PairBatches` adds reversal and special tokens, so that one
preparation can be read in both directions.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.dataset.ragged import RaggedArray, RaggedWriter
from rnn_tasks.errors import UserError
from rnn_tasks.split_names import TRAINING
from rnn_tasks.text.config import PairsConfig
from rnn_tasks.text.duplicates import leaking, repeated
from rnn_tasks.text.parallel import ParallelCorpus
from rnn_tasks.text.tokenizer import Tokenizer
from rnn_tasks.text.vocabulary import UNK, Vocabulary
from rnn_tasks.text.wordpiece import learn_wordpieces
from rnn_tasks.text.words import WordSplitter

SIDES = ("source", "target")

_PAIRS_AT_ONCE = 4_000
_DISTINCT_WORDS = 200_000  # counted a side; when there are more, the rarest are forgotten

Item = TypeVar("Item")


class PairStatus(IntEnum):
    """Whether a training pair is kept, or why it is left out."""

    KEPT = 0
    LEAKING = 1  # its source is also a source of another split
    REPEATED = 2
    EMPTY = 3  # on one side or both
    TOO_LONG = 4


def prepare_pairs(corpus: ParallelCorpus, config: PairsConfig, directory: Path) -> dict[str, int]:
    """Write a corpus as token ids, with its vocabularies.

    A training pair is left out if its normalised source sentence is also in another split (else the model would have
    seen the question, whatever the answer), if the same pair came before, or if a side is empty or longer than
    `max_tokens`. Other splits keep every pair.

    Args:
        corpus: from `open_corpus`; must have a split "train".
        config: how text becomes tokens.
        directory: exists; is filled.

    Returns:
        Counts: per split `<split>_pairs`, `<split>_source_tokens`, `<split>_source_unknown` and the same of the target,
        `train_read` and the pairs left out by reason (`train_leaking`, …), `source_vocabulary`, `target_vocabulary`.

    Raises:
        UserError: the corpus has an error, or no pair is left.
    """
    with activity.doing("checking the corpus"):
        corpus.check()
    with tempfile.TemporaryDirectory(dir=directory, prefix=".words-") as name:
        words = {split: Path(name) / split for split in corpus.splits}
        splitters = [_splitter(side, config) for side in SIDES]
        for split, pairs in corpus.splits.items():
            if split != TRAINING:
                pairs = _kept_sentences(pairs, directory / split)
            _write_words(pairs, splitters, words[split])
            if not _file(words[split], "hashes").stat().st_size:
                raise UserError(f"{corpus.name}: no pairs in {split!r}")
        statuses = _statuses(words, config.remove_duplicates)
        word_counts = _count_words(words[TRAINING], statuses, config.max_tokens)
        _require_training(statuses, corpus)
        tokenizers = _make_tokenizers(word_counts, config, directory)
        counts: dict[str, int] = {}
        for split in corpus.splits:
            of_training = statuses if split == TRAINING else None
            counts |= _write_ids(words[split], directory / split, tokenizers, of_training, config.max_tokens)
        _require_training(statuses, corpus)
    counts["train_read"] = len(statuses)
    counts |= {
        f"train_{status.name.lower()}": int(np.sum(statuses == status))
        for status in PairStatus
        if status != PairStatus.KEPT
    }
    counts |= {f"{side}_vocabulary": len(to.vocabulary) for side, to in zip(SIDES, tokenizers, strict=True)}
    return counts


def load_tokenizers(directory: Path, config: PairsConfig) -> tuple[Tokenizer, Tokenizer]:
    """The tokenisers of source and target that `prepare_pairs` used."""
    source, target = (
        Tokenizer(Vocabulary.load(directory / f"{side}.vocabulary"), **vars(_splitter(side, config))) for side in SIDES
    )
    return source, target


def _splitter(side: str, config: PairsConfig) -> WordSplitter:
    keeps_typography = side == "target" and not config.normalize_target
    return WordSplitter(config.level, config.lowercase, keeps_typography, config.segmented)


def load_pairs(directory: Path, split: str) -> tuple[RaggedArray, RaggedArray]:
    """The ids of source and target of one split, as `PairBatches` takes them."""
    return RaggedArray(directory / f"{split}.source"), RaggedArray(directory / f"{split}.target")


def load_sentences(directory: Path, split: str, side: str) -> list[str]:
    """The sentences of a split other than "train", as the corpus has them; `side` is "source" or "target"."""
    return (directory / f"{split}.{side}.txt").read_bytes().decode().split("\n")[:-1]


def _kept_sentences(pairs: Iterable[tuple[str, str]], sentences: Path) -> Iterator[tuple[str, str]]:
    """The same pairs, written to `sentences.source.txt` and `sentences.target.txt` on the way, a sentence a line."""
    with (
        _file(sentences, "source.txt").open("wb") as sources,
        _file(sentences, "target.txt").open("wb") as targets,
    ):
        for source, target in pairs:
            sources.write(f"{source}\n".encode())
            targets.write(f"{target}\n".encode())
            yield source, target


def _write_words(pairs: Iterable[tuple[str, str]], splitters: Sequence[WordSplitter], words: Path) -> None:
    """Write `words.source`, `words.target` (a sentence a line, words separated by spaces) and `words.hashes`."""
    with (
        _file(words, "source").open("wb") as sources,
        _file(words, "target").open("wb") as targets,
        _file(words, "hashes").open("wb") as hashes,
    ):
        for batch in _batches(f"cutting {words.name} into words", pairs):
            sides = zip(splitters, zip(*batch, strict=True), strict=True)
            source, target = (splitter.split(tf.constant(side)) for splitter, side in sides)  # (pairs,) each
            for file, side in ((sources, source), (targets, target)):
                file.write(b"".join(line + b"\n" for line in side.numpy()))
            hashed = tf.stack([source, tf.strings.join([source, target], separator="\n")], axis=1)
            hashes.write(tf.fingerprint(tf.reshape(hashed, [-1])).numpy().tobytes())


def _statuses(words: Mapping[str, Path], remove_duplicates: bool) -> np.ndarray:
    """`PairStatus` of each training pair, (pairs,) uint8, as far as hashes tell: leaking, repeated or kept."""
    hashes = {split: _file(prefix, "hashes") for split, prefix in words.items()}
    training = hashes.pop(TRAINING)
    leaks = leaking(training, list(hashes.values()))
    statuses = np.where(leaks, PairStatus.LEAKING, PairStatus.KEPT).astype(np.uint8)
    if remove_duplicates:
        statuses[repeated(training) & ~leaks] = PairStatus.REPEATED
    return statuses


def _count_words(words: Path, statuses: np.ndarray, max_tokens: int) -> list[Counter[str]]:
    """Word counts of each side over the kept pairs; marks pairs with empty or too long sides in `statuses`."""
    counters: tuple[Counter[bytes], Counter[bytes]] = (Counter(), Counter())
    with _file(words, "source").open("rb") as sources, _file(words, "target").open("rb") as targets:
        pairs = zip(sources, targets, strict=True)
        for number, lines in enumerate(activity.each("counting words in", pairs, len(statuses), unit="pairs")):
            sentences = [line.split() for line in lines]
            if not all(sentences):
                statuses[number] = PairStatus.EMPTY
            elif statuses[number] != PairStatus.KEPT:
                continue
            elif max(map(len, sentences)) > max_tokens:
                statuses[number] = PairStatus.TOO_LONG
            else:
                for counter, sentence in zip(counters, sentences, strict=True):
                    counter.update(sentence)
                    if len(counter) > _DISTINCT_WORDS:
                        _forget_rare(counter)
    return [Counter({word.decode(): count for word, count in counter.items()}) for counter in counters]


def _forget_rare(counter: Counter[bytes]) -> None:
    """Drop the rarest words, half of all or more."""
    bound = sorted(counter.values())[len(counter) // 2]
    for word in [word for word, count in counter.items() if count <= bound]:
        del counter[word]


def _make_tokenizers(counts: list[Counter[str]], config: PairsConfig, directory: Path) -> tuple[Tokenizer, Tokenizer]:
    """Vocabularies from word counts of the two sides, saved, and their tokenisers."""
    if config.shared_vocabulary:
        vocabularies = [_make_vocabulary(counts[0] + counts[1], config)] * 2
    else:
        vocabularies = [_make_vocabulary(side, config) for side in counts]
    for side, vocabulary in zip(SIDES, vocabularies, strict=True):
        vocabulary.save(directory / f"{side}.vocabulary")
    return load_tokenizers(directory, config)


def _make_vocabulary(counts: Counter[str], config: PairsConfig) -> Vocabulary:
    frequent = {word: count for word, count in counts.items() if count >= config.min_count}
    if not frequent:
        raise UserError(f"data.min_count: no word of the training split is seen {config.min_count} times")
    if config.level == "word":
        return Vocabulary.from_counts(frequent, config.vocabulary_size)
    with activity.doing("learning the word pieces"):
        return learn_wordpieces(frequent, config.vocabulary_size)


def _write_ids(
    words: Path, ids: Path, tokenizers: tuple[Tokenizer, Tokenizer], statuses: np.ndarray | None, max_tokens: int
) -> dict[str, int]:
    """Write the token stores of a split and count it.

    Args:
        words: prefix of what `_write_words` wrote.
        ids: prefix of the token stores.
        statuses: of training pairs; pairs with too many tokens are marked in it.
    """
    counts: Counter[str] = Counter()
    start = 0
    with (
        _file(words, "source").open("rb") as sources,
        _file(words, "target").open("rb") as targets,
        RaggedWriter(_file(ids, "source")) as source_writer,
        RaggedWriter(_file(ids, "target")) as target_writer,
    ):
        for batch in _batches(f"writing {ids.name} ids", zip(sources, targets, strict=True)):
            encoded = [
                tokenizer.ids(tf.strings.split(lines))
                for tokenizer, lines in zip(tokenizers, zip(*batch, strict=True), strict=True)
            ]
            lengths = [side.row_lengths().numpy() for side in encoded]
            kept = np.ones(len(batch), bool)
            if statuses is not None:
                here = statuses[start : start + len(batch)]
                here[(here == PairStatus.KEPT) & (np.maximum(*lengths) > max_tokens)] = PairStatus.TOO_LONG
                kept = here == PairStatus.KEPT
            start += len(batch)
            counts[f"{ids.name}_pairs"] += int(kept.sum())
            for i, (side, writer) in enumerate(zip(SIDES, (source_writer, target_writer), strict=True)):
                flat = encoded[i].flat_values.numpy()[np.repeat(kept, lengths[i])]
                writer.extend(flat, lengths[i][kept])
                counts[f"{ids.name}_{side}_tokens"] += len(flat)
                counts[f"{ids.name}_{side}_unknown"] += int(np.sum(flat == UNK))
    return dict(counts)


def _file(prefix: Path, ending: str) -> Path:
    return prefix.with_name(f"{prefix.name}.{ending}")


def _batches(what: str, items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    with activity.doing(what, unit="pairs") as this:
        while batch := list(islice(iterator, _PAIRS_AT_ONCE)):
            yield batch
            this.advance(len(batch))


def _require_training(statuses: np.ndarray, corpus: ParallelCorpus) -> None:
    if not np.any(statuses == PairStatus.KEPT):
        reasons = ", ".join(
            f"{np.sum(statuses == status)} {status.name.lower()}" for status in map(PairStatus, np.unique(statuses))
        )
        raise UserError(f"{corpus.name}: of {len(statuses)} training pairs none is left ({reasons})")
