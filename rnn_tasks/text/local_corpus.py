"""A corpus of the user's own: a directory or `.zip` of files a language, a table, or a translation memory."""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from rnn_tasks.errors import UserError
from rnn_tasks.split_names import SPLIT_NAMES, TEST, TRAINING, VALIDATION
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.languages import is_language, language_code, languages_of_script
from rnn_tasks.text.lines import TextFile, aligned_pairs, files_in, read_lines
from rnn_tasks.text.parallel import PairStream, ParallelCorpus, split_corpus, swapped
from rnn_tasks.text.tables import TABLE_ENDINGS, kind_of_text, open_table
from rnn_tasks.text.tmx import TMX_ENDINGS, tmx_pairs

logger = logging.getLogger(__name__)

FILE_ENDINGS = (*TABLE_ENDINGS, *TMX_ENDINGS, ".zip")
ACCEPTED_FILES = (
    "accepted are train, val (or valid, dev) and test... files in both languages, plain or .gz, "
    "such as train.{0}, val.{1}.gz, test_2016.lc.tok.{0}, or one pair of files, such as corpus.{0}, corpus.{1}"
)
SENTENCES = "accepted is a sentence a line; of a table, data.source_column and data.target_column take any column"
_SAMPLE = 1000  # lines that are read to find out what a file holds


def local_corpus(config: ParallelDataConfig, seed: int, names: Iterable[str]) -> ParallelCorpus:
    """The corpus at the path `config.source`.

    Args:
        config: which corpus, and from which language into which.
        seed: decides the splits, if the corpus has none.
        names: other values that `config.source` could have, for errors.

    Raises:
        UserError: no such path, missing or ambiguous files, files that hold no sentences.
    """
    path = Path(os.path.expanduser(config.source))  # unlike Path's, it leaves an unknown ~name as it is
    try:
        if path.is_dir() or (path.is_file() and path.name.lower().endswith(".zip")):
            return corpus_of_files(config, path, files_in(path), seed)
        if path.is_file():
            return _corpus_of_one(config, TextFile(path), seed)
        if path.exists():
            raise UserError(f"data.source: {path} is no regular file, and it is read more than once; save it first")
    except OSError as error:
        raise UserError(f"data.source: {path} cannot be read ({error.strerror})") from None
    near = difflib.get_close_matches(config.source, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UserError(
        f"data.source: {config.source!r} does not exist{hint}; accepted are {', '.join(names)}, a directory, "
        f"or a file ending in {', '.join(FILE_ENDINGS)}"
    )


def corpus_of_files(config: ParallelDataConfig, where: Path, files: Sequence[TextFile], seed: int) -> ParallelCorpus:
    """A corpus of files by split and language, of one pair of files, or of a single table or translation memory."""
    languages = (config.source_language, config.target_language)
    if not _split_files(config, files):
        sides = {language: _by_stem(files, language) for language in languages}
        pairs = sorted(set.intersection(*(set(of_language) for of_language in sides.values())))
        if len(pairs) > 1:
            raise UserError(f"{where}: found {len(pairs)} pairs of files ({', '.join(pairs)}); keep one")
        if pairs:
            source, target = (sides[language][pairs[0]] for language in languages)
            _require_sentences(config, source, target)
            pairs_of_lines = PairStream(partial(aligned_pairs, source, target))
            corpus = split_corpus(config, where, pairs_of_lines, seed)
            inputs = dict.fromkeys((source.path, target.path))
            return ParallelCorpus(config.source, tuple(inputs), corpus.splits, corpus.check)
        others = [file for file in files if not file.is_note]
        alone = [file for file in others if file.name.lower().endswith((*TABLE_ENDINGS, *TMX_ENDINGS))]
        if len(alone) == 1 and (alone[0].member or len(others) == 1):
            return _corpus_of_one(config, alone[0], seed)
    by_split = _match_files(config, where, files)
    _require_sentences(config, *by_split[TRAINING])
    splits = {split: PairStream(partial(aligned_pairs, *sides)) for split, sides in by_split.items()}

    def check() -> None:
        for pairs in splits.values():
            for _ in pairs:
                pass

    inputs = dict.fromkeys(file.path for sides in by_split.values() for file in sides)
    return ParallelCorpus(config.source, tuple(inputs), splits, check)


def _corpus_of_one(config: ParallelDataConfig, file: TextFile, seed: int) -> ParallelCorpus:
    """A table, or a translation memory."""
    if file.name.lower().endswith(TMX_ENDINGS):
        _refuse_columns(config, file)
        pairs = PairStream(partial(tmx_pairs, file, config.source_language, config.target_language))
        return split_corpus(config, file.path, pairs, seed)
    if not file.name.lower().endswith(TABLE_ENDINGS):
        raise UserError(f"data.source: {file} is no corpus; accepted are a directory, {', '.join(FILE_ENDINGS)}")
    table = open_table(file, config)
    turned = not table.has_header and not config.source_column and not config.target_column and _is_turned(config, file)
    pairs = PairStream(lambda: swapped(table)) if turned else PairStream(table.__iter__)
    _require_script(config, (target for _, target in islice(pairs, _SAMPLE)), file)
    corpus = split_corpus(config, file.path, pairs, seed)

    def check() -> None:
        columns = [
            f"{column + 1} ({language})"
            for column, language in zip(
                reversed(table.columns) if turned else table.columns,
                (config.source_language, config.target_language),
                strict=True,
            )
        ]
        logger.info("%s: sentences are columns %s", file, " and ".join(columns))
        corpus.check()

    return ParallelCorpus(corpus.name, corpus.inputs, corpus.splits, check)


def _is_turned(config: ParallelDataConfig, file: TextFile) -> bool:
    """Whether the columns of an Anki archive (`fra-eng.zip`: English is first, in spite of its name) are exchanged.

    Other tables without a header do not name their languages, so their first column is the source language.
    """
    match = re.fullmatch(r"([a-z]{3})-eng\.zip", file.path.name)
    if not match:
        return False
    wanted = [language_code(language) for language in (config.source_language, config.target_language)]
    has = ["en", language_code(match[1])]
    if sorted(wanted) != sorted(has):
        raise UserError(
            f"data.source_language, data.target_language: found {config.source_language}-{config.target_language}; "
            f"{file.path} has {'-'.join(has)} and {'-'.join(reversed(has))}"
        )
    return wanted != has


def _split_files(config: ParallelDataConfig, files: Sequence[TextFile]) -> list[tuple[str, str, TextFile]]:
    """(split, language, file) of the files whose names contain both; each test set is a split with its own name."""
    stems = "|".join((*SPLIT_NAMES, rf"{TEST}[\w-]*"))
    languages = "|".join(map(re.escape, (config.source_language, config.target_language)))
    pattern = re.compile(rf"({stems})(?:\.[^.]+)*?\.({languages})(?:\.gz)?")
    matches = [(pattern.fullmatch(file.name), file) for file in files]
    return [(SPLIT_NAMES.get(match[1], match[1]), match[2], file) for match, file in matches if match]


def _by_stem(files: Sequence[TextFile], language: str) -> dict[str, TextFile]:
    """`corpus` -> `corpus.en`, or `corpus.en.gz`."""
    names = [(re.fullmatch(rf"(.+)\.{re.escape(language)}(?:\.gz)?", file.name), file) for file in files]
    return {match[1]: file for match, file in names if match}


def _match_files(
    config: ParallelDataConfig, where: Path, files: Sequence[TextFile]
) -> dict[str, tuple[TextFile, TextFile]]:
    """Split name -> its (source, target) files."""
    languages = (config.source_language, config.target_language)
    listed = ", ".join(file.name for file in files[:12]) + (", ..." if len(files) > 12 else "")
    expectation = f"found {listed or 'no files'}; {ACCEPTED_FILES.format(*languages)}"
    found: dict[tuple[str, str], TextFile] = {}
    for split, language, file in _split_files(config, files):
        first = found.setdefault((split, language), file)
        if first is not file:
            raise UserError(f"{where}: {first.name} and {file.name} are both {split!r} in {language!r}; keep one")
    tests = sorted({split for split, _ in found} - {TRAINING, VALIDATION})
    by_split = {}
    for split in (TRAINING, VALIDATION, *(tests or [TEST])):
        missing = [f"{split}.{language}" for language in languages if (split, language) not in found]
        if missing:
            raise UserError(f"{where}: no {' and no '.join(missing)}; {expectation}")
        by_split[split] = (found[split, languages[0]], found[split, languages[1]])
    return by_split


def _require_sentences(config: ParallelDataConfig, source: TextFile, target: TextFile) -> None:
    """Refuse aligned files that do not have one sentence in each line, such as a column of numbers or a table."""
    for file in (source, target):
        _refuse_columns(config, file)
        lines = [line for line in islice(read_lines(file), _SAMPLE) if line.strip()]
        if (kind := kind_of_text(lines)) != "text":
            raise UserError(f"{file}: nothing but {kind} ({', '.join(lines[:3])}); {SENTENCES}")
        if all("\t" in line for line in lines):
            raise UserError(f"{file}: a TAB in every line; {SENTENCES}")
        if all(re.fullmatch('".*"', line) for line in lines):
            raise UserError(f"{file}: quotation marks around every line; {SENTENCES}")
    _require_script(config, lines, target)


def _refuse_columns(config: ParallelDataConfig, file: TextFile) -> None:
    for key in ("source_column", "target_column"):
        if getattr(config, key):
            raise UserError(f"data.{key}: found {getattr(config, key)!r}; {file} is no table")


def _require_script(config: ParallelDataConfig, targets: Iterable[str], file: TextFile) -> None:
    """Refuse target sentences whose script, such as Chinese, does not fit the target language of the config."""
    languages, declared = languages_of_script(targets), language_code(config.target_language)
    if languages and declared not in languages and is_language(declared):
        others = ", ".join(languages)
        raise UserError(
            f"data.target_language: found {config.target_language!r}; the characters of {file} are those of {others}"
        )
