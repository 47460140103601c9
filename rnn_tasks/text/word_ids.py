"""A text as word ids on disk, in three splits, with its vocabulary.

Memory grows only with the number of different words (`data.counted_words` bounds it), disk space with the number of
words (4 bytes each), time with both. The text is read twice, once to count and once to write, and once more for each
pass over phrases.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from rnn_tasks import activity
from rnn_tasks.errors import UserError
from rnn_tasks.text.phrases import Counts, Phrases, learn_phrases, with_phrases
from rnn_tasks.text.vocabulary import PAD, SPECIAL_TOKENS, Vocabulary
from rnn_tasks.text.word_config import WordCorpusConfig
from rnn_tasks.text.word_corpus import Sentence

WORDS = "vocabulary.tsv"
TEST_TEXT = "test.txt"
SPLITS = ("train", "val", "test")
BLOCK = 20
"""Sentences that stay together when a text is divided, so that neighbours of held-out sentences are held out, too."""


def prepare_words(
    sentences: Callable[[], Iterator[Sentence]], config: WordCorpusConfig, directory: Path
) -> dict[str, int]:
    """Write the vocabulary of the training split, each split's ids, and the test split's text.

    `<split>.ids` holds int32 ids, with a `PAD` after each sentence. Words that are not in the vocabulary are left out,
    as in word2vec, so windows continue across them.

    Args:
        sentences: gives the text from its beginning, each time it is called.
        config: limits of the vocabulary, shares of the splits.
        directory: where to.

    Returns:
        Counts for the manifest.

    Raises:
        UserError: a split is empty or has no window, or no word is frequent enough.
    """
    learned: list[Phrases] = []

    def text() -> Iterator[tuple[str, Sentence]]:
        for split, words in divided(sentences(), config):
            for phrases in learned:
                (words,) = with_phrases([words], phrases)
            yield split, words

    def training() -> Iterator[Sentence]:
        return (words for split, words in text() if split == "train")

    while len(learned) < config.phrases:  # each pass reads the text with the phrases of the passes before
        learned.append(learn_phrases(training(), config))
    with activity.doing("counting words"):
        counts = count_words(training(), config)
    vocabulary = Vocabulary.from_counts(counts, config.vocabulary_size + len(SPECIAL_TOKENS), config.min_count)
    if len(vocabulary) < len(SPECIAL_TOKENS) + 2:
        raise UserError(
            f"data.min_count: no two words of {config.source} occur {config.min_count} times; accepted is a longer "
            "text, or a smaller min_count"
        )
    vocabulary.save(directory / WORDS)
    with activity.doing("writing word ids"):
        written, windows = _write_ids(text(), vocabulary, directory)
    for split in SPLITS:
        if not written[split]:
            raise UserError(
                f"{config.source}: {written['sentences']} sentences leave none for {split}; accepted is a longer text, "
                "or larger data.validation_fraction and data.test_fraction"
            )
        if not windows[split]:
            raise UserError(
                f"{config.source}: no sentence of {split} has two words of the vocabulary, so no word has a context; "
                "accepted are sentences (data.sentences says where they end), or a smaller data.min_count"
            )
    found = {"phrases": sum(map(len, learned))} if config.phrases else {}
    return {**written, "vocabulary": len(vocabulary), "different_words": len(counts), **found}


def divided(sentences: Iterable[Sentence], config: WordCorpusConfig) -> Iterator[tuple[str, Sentence]]:
    """Each sentence with the split that it belongs to: blocks of sentences, evenly spread over the text."""
    shares = {"val": config.validation_fraction, "test": config.test_fraction}
    due = dict.fromkeys(shares, 0.5)  # in blocks
    split = "train"
    for number, words in enumerate(sentences):
        if number % BLOCK == 0:
            due = {name: value + shares[name] for name, value in due.items()}
            most = max(due, key=lambda name: due[name])
            split = most if due[most] >= 1 else "train"
            if split in due:
                due[split] -= 1
        yield split, words


def count_words(sentences: Iterable[Sentence], config: WordCorpusConfig) -> dict[str, int]:
    """Counts of all words; if there are too many different words, the rarest so far are forgotten."""
    counts = Counts(config.counted_words)
    for words in sentences:
        counts.add(words)
    return counts.counts


def load_ids(directory: Path, split: str) -> np.ndarray:
    """(words and sentence ends,) int32, memory-mapped; `PAD` ends a sentence."""
    return np.memmap(directory / f"{split}.ids", np.int32, "r")


def _write_ids(
    text: Iterable[tuple[str, Sentence]], vocabulary: Vocabulary, directory: Path
) -> tuple[dict[str, int], dict[str, int]]:
    """Counts for the manifest, and how many sentences of each split have a window."""
    ids = {token: number for number, token in enumerate(vocabulary.tokens) if number >= len(SPECIAL_TOKENS)}
    counts, windows = dict.fromkeys((*SPLITS, "sentences", "words_left_out"), 0), dict.fromkeys(SPLITS, 0)
    with contextlib.ExitStack() as stack:
        files = {split: stack.enter_context((directory / f"{split}.ids").open("wb", 1 << 20)) for split in SPLITS}
        test_text = stack.enter_context((directory / TEST_TEXT).open("w", encoding="utf-8", newline="\n"))
        for split, words in text:
            known = [ids[word] for word in words if word in ids]
            counts["sentences"] += 1
            counts["words_left_out"] += len(words) - len(known)
            counts[split] += len(known)
            windows[split] += len(known) > 1
            if known:
                files[split].write(np.array([*known, PAD], np.int32).tobytes())
            if split == "test":
                test_text.write(" ".join(words) + "\n")
    return counts, windows
