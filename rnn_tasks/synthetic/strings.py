"""Strings of a formal language in three splits: drawn from a grammar, or read from a user's file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.grammar.config import StringsConfig, StringsOptions
from rnn_tasks.synthetic.reber import corrupt, member_splits, reber_splits
from rnn_tasks.text.labelled_strings import LabelledStrings, split_labelled_strings

AT_ONCE = 100_000


def string_splits(data: StringsConfig) -> tuple[dict[str, LabelledStrings], int]:
    """The splits "train", "val" and "test", and the number of repeated lines in a file.

    For membership, half of a grammar's strings are corrupted; for the next symbol, all belong to the language.

    Raises:
        UserError: a wrong file, or a language of too few strings.
    """
    try:
        return _next_symbol_splits(data) if data.learn == "next_symbol" else _labelled_splits(data)
    except ValueError as error:
        raise UserError(f"{data.source}: {error}") from None


def labelled_lines(options: StringsOptions) -> Iterator[str]:
    """`string<TAB>label` lines: strings of a grammar as it draws them, and others with one symbol changed.

    Raises:
        UserError: a malformed grammar, or one in which every change leads to another string of the language.
    """
    language, rng = StringsConfig(source=options.grammar).language(), np.random.default_rng(options.seed)
    for start in range(0, options.count, AT_ONCE):
        strings = language.strings(min(AT_ONCE, options.count - start), rng)
        wrong = rng.random(len(strings)) >= options.valid
        for string, is_wrong in zip(strings, wrong, strict=True):
            changed = corrupt(string, "symbol", rng, language) if is_wrong else string
            if is_wrong and changed == string:
                raise UserError(f"--grammar {options.grammar}: no change of {string!r} leaves the language")
            yield f"{changed}\t{int(not is_wrong)}"


def _labelled_splits(data: StringsConfig) -> tuple[dict[str, LabelledStrings], int]:
    counts = {"train": data.train_strings, "val": data.val_strings, "test": data.test_strings}
    if not data.is_grammar:
        return split_labelled_strings(Path(data.source), counts, data.seed)
    mixture = {"swap": data.swap_share, "long_range": data.long_range_share if data.source == "embedded" else 0.0}
    mixture["symbol"] = 1 - sum(mixture.values())
    return reber_splits(counts, data.seed, mixture, data.language()), 0


def _next_symbol_splits(data: StringsConfig) -> tuple[dict[str, LabelledStrings], int]:
    counts = {"train": data.train_strings, "val": data.val_strings, "test": data.test_strings}
    strings = member_splits(counts, data.seed, data.language())
    if data.val_with_train:
        strings["val"] = strings["val"] + strings["train"]
    members = {name: LabelledStrings(split, [1] * len(split), []) for name, split in strings.items()}
    return members, 0
