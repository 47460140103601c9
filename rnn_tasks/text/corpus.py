"""Parallel corpora: sentence pairs by split, read lazily from wherever the config says.

A corpus is the embedded generator, a download, or a user's own data: a directory or archive with a file for each
language, a table, a translation memory. For preparation, all are named splits that can be iterated over repeatedly.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rnn_tasks import synthetic
from rnn_tasks.errors import UserError
from rnn_tasks.split_names import TEST, TRAINING, VALIDATION
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.download import fetch_source, known_sources
from rnn_tasks.text.lines import Pair, TextFile
from rnn_tasks.text.local_corpus import corpus_of_files, local_corpus
from rnn_tasks.text.parallel import PairStream, ParallelCorpus, swapped


def open_corpus(config: ParallelDataConfig, cache_dir: Path | None = None, seed: int = 1) -> ParallelCorpus:
    """The corpus that `config.source` names. Named sources are downloaded unless they are in the cache.

    Args:
        config: which corpus, and from which language into which.
        cache_dir: where downloads are kept; see `rnn_tasks.download.default_cache_dir`.
        seed: draws the embedded pairs, and the split of a single file.

    Raises:
        UserError: no such source, missing or ambiguous files, unsuitable languages, a failed download.
    """
    if config.source == "embedded":
        return _embedded_corpus(config, seed)
    if config.source in _corpora():
        _require_languages(config)
        files = fetch_source(config.source, cache_dir)
        if len(files) == 1:
            return local_corpus(config.model_copy(update={"source": str(files[0])}), seed, ())
        return corpus_of_files(config, files[0].parent, [TextFile(file) for file in files], seed)
    return local_corpus(config, seed, _names())


def corpus_inputs(config: ParallelDataConfig) -> tuple[Path, ...]:
    """The user's files that the corpus consists of; only the beginning of each file is read.

    Empty for the embedded corpus and for named sources (this package pins their content by sha256).

    Raises:
        UserError: as `open_corpus`, but nothing is downloaded.
    """
    if config.source == "embedded":
        _embedded_turned(config)
        return ()
    if config.source in _corpora():
        _require_languages(config)
        return ()
    return local_corpus(config, 0, _names()).inputs


def _names() -> tuple[str, ...]:
    return ("embedded", *_corpora())


def _corpora() -> list[str]:
    """The named sources that are corpora of sentence pairs."""
    return [name for name, source in known_sources().items() if source.languages]


def _embedded_corpus(config: ParallelDataConfig, seed: int) -> ParallelCorpus:
    turned = _embedded_turned(config)
    held_out = min(2_000, max(20, config.embedded_pairs // 20))
    counts = {TRAINING: config.embedded_pairs, VALIDATION: held_out, TEST: held_out}

    def read(split: str) -> Iterator[Pair]:
        pairs = synthetic.english_french_pairs(split, counts[split], seed)
        return swapped(pairs) if turned else pairs

    splits = {split: PairStream(partial(read, split)) for split in counts}
    return ParallelCorpus("embedded", inputs=(), splits=splits, check=lambda: None)


def _embedded_turned(config: ParallelDataConfig) -> bool:
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
