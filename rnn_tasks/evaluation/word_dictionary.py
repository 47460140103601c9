"""A trivial translator: word for word, by a dictionary learned from words that occur together.

Plain co-occurrence would translate `the` by the full stop, which is in every sentence. With a few rounds of
IBM Model 1, the words of a sentence compete for each other. This is the least that makes a fair baseline.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from rnn_tasks import activity

SPECIAL_IDS = 4  # <pad>, <unk>, <go>, <eos> stand first in every vocabulary
UNKNOWN_ID = 1
NULL_ID = 0  # <pad> serves as Model 1's empty source word, which explains target words without a counterpart


def learn_dictionary(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]],
    source_size: int,
    target_size: int,
    iterations: int = 5,
    max_pairs: int = 200_000,
    max_links: int = 16_000_000,
) -> np.ndarray:
    """The most probable target word of each source word under IBM Model 1, fitted by EM.

    Args:
        pairs: sentence pairs as ids, (source_time,) and (target_time,); read once, one after the other.
        source_size: words in the source vocabulary.
        target_size: words in the target vocabulary.
        iterations: rounds of EM.
        max_pairs: pairs read at most.
        max_links: reading also stops at this many (source word, target word) links. This bounds memory to
            about 40 bytes per link, independently of the length of sentences.

    Returns:
        (source_size,) int32: the target id of each source id. Special ids map to themselves; a word that was
        never seen maps to `<unk>`.

    References:
        Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.
    """
    dictionary = np.full(source_size, UNKNOWN_ID, np.int32)
    dictionary[:SPECIAL_IDS] = np.arange(min(SPECIAL_IDS, source_size))
    links, choices = _links(itertools.islice(pairs, max_pairs), target_size, max_links)
    if not len(links):
        return dictionary
    words, entry = np.unique(links, return_inverse=True)  # `entry`: each link's row in the table of translations
    entry = entry.astype(np.int32)
    source, target = words // target_size, words % target_size
    slot_starts = np.concatenate([[0], np.cumsum(choices)[:-1]])

    probability = np.ones(len(words))
    for _ in activity.each("fitting the dictionary, round", range(iterations)):
        weight = probability[entry]  # (links,)
        weight /= np.repeat(np.add.reduceat(weight, slot_starts), choices)
        expected = np.bincount(entry, weights=weight, minlength=len(words))
        probability = expected / np.bincount(source, weights=expected)[source]

    # Falling probability within a source word; if equal, the lower id first, which is the more frequent word.
    order = np.lexsort((target, -probability, source))
    seen, first = np.unique(source[order], return_index=True)
    real = seen >= SPECIAL_IDS
    dictionary[seen[real]] = target[order[first[real]]]
    return dictionary


def translate_ids(ids: np.ndarray, dictionary: np.ndarray) -> np.ndarray:
    """Word-for-word translation of source ids of any shape, in the source's word order."""
    return dictionary[ids]


def _links(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]], target_size: int, max_links: int
) -> tuple[np.ndarray, np.ndarray]:
    """Links of every target token with every source token of its sentence and with NULL.

    Returns:
        links: (links,) int64, source id * target_size + target id; the links of a target token are adjacent.
        choices: (target tokens,) int64, the number of links of each target token.
    """
    links, choices, count = [], [], 0
    for source, target in activity.each("reading", pairs, unit="pairs"):
        source, target = np.asarray(source, np.int64), np.asarray(target, np.int64)
        source = np.concatenate([[NULL_ID], source[source >= SPECIAL_IDS]])
        target = target[target >= SPECIAL_IDS]
        count += len(source) * len(target)
        if count > max_links:
            break
        links.append(np.add.outer(target, source * target_size).ravel())
        choices.append(np.full(len(target), len(source)))
    if not links:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(links), np.concatenate(choices)
