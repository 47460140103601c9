"""Parallel corpora: sentence pairs by split, read lazily from wherever the config says.

A corpus is the embedded generator, a directory of one file a split and language, or one file of tab-separated
pairs. Whatever it is, preparation sees the same thing: named splits that can be iterated over again and again.
"""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path

from rnn_tasks import synthetic
from rnn_tasks.errors import UserError
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.corpus_formats import TABLE_ENDINGS, Pair, aligned_pairs, tab_separated_pairs
from rnn_tasks.text.download import fetch_source, known_sources

TRAINING, VALIDATION, TEST = "train", "val", "test"
VALIDATION_STEMS = ("val", "valid", "validation", "dev")
ENGLISH = ("en", "eng")
ACCEPTED_FILES = (
    "accepted are train, val (or valid, dev) and test... files in both languages, plain or .gz, "
    "such as train.{0}, val.{1}.gz, test_2016.lc.tok.{0}"
)


@dataclass(frozen=True)
class PairStream:
    """Sentence pairs that are read anew by each iteration."""

    read: Callable[[], Iterator[Pair]]

    def __iter__(self) -> Iterator[Pair]:
        return self.read()


@dataclass(frozen=True)
class ParallelCorpus:
    """Sentence pairs by split.

    Attributes:
        name: the corpus for people.
        inputs: the files it consists of; empty for the embedded one.
        splits: "train", "val" and each test set by its own name, in this order -> (source, target) strings.
        check: reads all files once and raises what is wrong with them (UserError), before costly work starts.
    """

    name: str
    inputs: tuple[Path, ...]
    splits: Mapping[str, Iterable[Pair]]
    check: Callable[[], None]


def open_corpus(config: ParallelDataConfig, cache_dir: Path | None = None, seed: int = 1) -> ParallelCorpus:
    """The corpus that `config.source` names. Named sources are downloaded unless they are in the cache.

    Args:
        config: which corpus, and from which language into which.
        cache_dir: where downloads are kept; see `rnn_tasks.text.default_cache_dir`.
        seed: draws the embedded pairs, and the split of a single file.

    Raises:
        UserError: no such source, missing or ambiguous files, unsuitable languages, a failed download.
    """
    if config.source == "embedded":
        return _embedded_corpus(config, seed)
    if config.source in known_sources():
        _require_languages(config)
        files = fetch_source(config.source, cache_dir)
        return _table_corpus(config, files[0], seed) if len(files) == 1 else _directory_corpus(config, files)
    return _local_corpus(config, seed)


def corpus_inputs(config: ParallelDataConfig) -> tuple[Path, ...]:
    """The user's files that the corpus consists of; reads none of them.

    Empty for the embedded corpus and for named sources, whose content this package pins by sha256.

    Raises:
        UserError: as `open_corpus`, but nothing is downloaded.
    """
    if config.source == "embedded":
        _embedded_swapped(config)
        return ()
    if config.source in known_sources():
        _require_languages(config)
        return ()
    return _local_corpus(config, seed=0).inputs


def _embedded_corpus(config: ParallelDataConfig, seed: int) -> ParallelCorpus:
    swapped = _embedded_swapped(config)
    held_out = min(2_000, max(20, config.embedded_pairs // 20))
    counts = {TRAINING: config.embedded_pairs, VALIDATION: held_out, TEST: held_out}

    def read(split: str) -> Iterator[Pair]:
        pairs = synthetic.english_french_pairs(split, counts[split], seed)
        return _swap(pairs) if swapped else pairs

    splits = {split: PairStream(partial(read, split)) for split in counts}
    return ParallelCorpus("embedded", inputs=(), splits=splits, check=lambda: None)


def _embedded_swapped(config: ParallelDataConfig) -> bool:
    languages = (config.source_language, config.target_language)
    if languages not in (("en", "fr"), ("fr", "en")):
        raise UserError(
            f"data.source_language, data.target_language: found {'-'.join(languages)}; "
            "the embedded corpus has en-fr and fr-en"
        )
    return languages == ("fr", "en")


def _require_languages(config: ParallelDataConfig) -> None:
    known = known_sources()[config.source].languages
    if {config.source_language, config.target_language} != set(known):
        raise UserError(
            f"data.source_language, data.target_language: found {config.source_language}-{config.target_language}; "
            f"{config.source} has {'-'.join(known)} and {'-'.join(reversed(known))}"
        )


def _local_corpus(config: ParallelDataConfig, seed: int) -> ParallelCorpus:
    path = Path(os.path.expanduser(config.source))  # unlike Path's, it leaves an unknown ~name as it is
    try:
        if path.is_dir():
            return _directory_corpus(config, sorted(file for file in path.iterdir() if file.is_file()))
        if path.is_file():
            return _table_corpus(config, path, seed)
    except OSError as error:
        raise UserError(f"data.source: {path} cannot be read ({error.strerror})") from None
    names = ("embedded", *known_sources())
    near = difflib.get_close_matches(config.source, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UserError(
        f"data.source: {config.source!r} does not exist{hint}; accepted are {', '.join(names)}, a directory, "
        f"or a file ending in {', '.join(TABLE_ENDINGS)}"
    )


def _directory_corpus(config: ParallelDataConfig, files: Sequence[Path]) -> ParallelCorpus:
    by_split = _match_files(config, files)
    splits = {split: PairStream(partial(aligned_pairs, *sides)) for split, sides in by_split.items()}

    def check() -> None:
        for pairs in splits.values():
            for _ in pairs:
                pass

    inputs = tuple(path for sides in by_split.values() for path in sides)
    return ParallelCorpus(config.source, inputs, splits, check)


def _match_files(config: ParallelDataConfig, files: Sequence[Path]) -> dict[str, tuple[Path, Path]]:
    """Split name -> its (source, target) files."""
    languages = (config.source_language, config.target_language)
    stems = "|".join((TRAINING, *VALIDATION_STEMS, rf"{TEST}[\w-]*"))
    pattern = re.compile(rf"({stems})(?:\.[^.]+)*?\.({'|'.join(languages)})(?:\.gz)?")
    listed = ", ".join(file.name for file in files[:12]) + (", ..." if len(files) > 12 else "")
    expectation = f"found {listed or 'no files'}; {ACCEPTED_FILES.format(*languages)}"

    found: dict[tuple[str, str], Path] = {}
    for file in files:
        if match := pattern.fullmatch(file.name):
            stem, language = match.groups()
            key = (VALIDATION if stem in VALIDATION_STEMS else stem, language)
            if key in found:
                raise UserError(
                    f"{config.source}: {found[key].name} and {file.name} are both {key[0]!r} in {language!r}; keep one"
                )
            found[key] = file

    tests = sorted({split for split, _ in found} - {TRAINING, VALIDATION})
    by_split = {}
    for split in (TRAINING, VALIDATION, *(tests or [TEST])):
        missing = [f"{split}.{language}" for language in languages if (split, language) not in found]
        if missing:
            raise UserError(f"{config.source}: no {' and no '.join(missing)}; {expectation}")
        by_split[split] = (found[split, languages[0]], found[split, languages[1]])
    return by_split


def _table_corpus(config: ParallelDataConfig, path: Path, seed: int) -> ParallelCorpus:
    if not path.name.lower().endswith(TABLE_ENDINGS):
        raise UserError(f"data.source: {path} is no corpus; accepted are a directory, {', '.join(TABLE_ENDINGS)}")
    swapped = _anki_swapped(config, path)

    def read_all() -> Iterator[Pair]:
        pairs = tab_separated_pairs(path)
        return _swap(pairs) if swapped else pairs

    split_of = partial(
        split_of_sentence,
        validation_fraction=config.validation_fraction,
        test_fraction=config.test_fraction,
        seed=seed,
    )

    def read(split: str) -> Iterator[Pair]:
        return (pair for pair in read_all() if split_of(pair[0]) == split)

    def check() -> None:
        empty, count = {TRAINING, VALIDATION, TEST}, 0
        for source, _ in read_all():
            count += 1
            if empty:
                empty.discard(split_of(source))
        if empty:
            raise UserError(
                f"{path}: of {count} pairs none falls into {' and '.join(sorted(empty))}; "
                "give more pairs or set data.validation_fraction and data.test_fraction"
            )

    splits = {split: PairStream(partial(read, split)) for split in (TRAINING, VALIDATION, TEST)}
    return ParallelCorpus(config.source, (path,), splits, check)


def _anki_swapped(config: ParallelDataConfig, path: Path) -> bool:
    """Whether the columns of an Anki archive (`fra-eng.zip`: English first, whatever its name says) are exchanged.

    Other tables say nothing of their languages, so their first column is the source language.
    """
    if not re.fullmatch(r"[a-z]{3}-eng\.zip", path.name) or config.source_language in ENGLISH:
        return False
    if config.target_language not in ENGLISH:
        raise UserError(
            f"data.source_language, data.target_language: found {config.source_language}-{config.target_language}; "
            f"one side of {path} is en"
        )
    return True


def split_of_sentence(sentence: str, validation_fraction: float, test_fraction: float, seed: int) -> str:
    """The split on which a source sentence falls: all its translations with it, on any machine.

    Sentences that differ in case, punctuation, spacing or Unicode form alone fall on the same split.
    """
    folded = unicodedata.normalize("NFKC", sentence).casefold()
    words = " ".join(re.findall(r"[^\W_]+", folded))
    digest = blake2b(words.encode("utf-8"), digest_size=8, salt=seed.to_bytes(8, "little")).digest()
    position = int.from_bytes(digest, "little") / 2**64
    if position < test_fraction:
        return TEST
    return VALIDATION if position < test_fraction + validation_fraction else TRAINING


def _swap(pairs: Iterable[Pair]) -> Iterator[Pair]:
    return ((target, source) for source, target in pairs)
