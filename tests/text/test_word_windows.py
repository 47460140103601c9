"""Windows against a plain loop over the text, and what is drawn against its formulas."""

import numpy as np
import pytest

from rnn_tasks.text import WindowBatches
from rnn_tasks.text.word_windows import ROW, keep_probability, noise_distribution

RNG = np.random.default_rng(3)
SENTENCES = [RNG.integers(4, 20, RNG.integers(1, 30)).tolist() for _ in range(60)]
IDS = np.array([number for words in SENTENCES for number in (*words, 0)], np.int32)
COUNTS = np.bincount(IDS, minlength=20) * (np.arange(20) >= 4)


def pairs(batch, window):
    """(centre, context) of every pair of a batch."""
    found = []
    for block in range(len(batch["centres"])):
        for row in range(len(batch["centres"][block])):
            centres, contexts = batch["centres"][block, row], batch["contexts"][block, row]
            for place in range(ROW):
                reach = range(-batch["left"][block, row, place], batch["right"][block, row, place] + 1)
                found += [(centres[place], contexts[place + window + offset]) for offset in reach if offset]
    return found


@pytest.mark.parametrize("window", [1, 3, 8])
def test_every_pair_of_every_sentence_once(window):
    batches = WindowBatches(IDS, COUNTS, window=window, dynamic=False, threshold=0, positions=64, span=10_000)
    (batch,) = batches.epoch(0)
    expected = [
        (words[i], words[j])
        for words in SENTENCES
        for i in range(len(words))
        for j in range(max(0, i - window), min(len(words), i + window + 1))
        if i != j
    ]
    assert sorted(pairs(batch, window)) == sorted(expected)
    assert batch["words"] == sum(map(len, SENTENCES))


def test_spans_have_all_words_and_an_epoch_has_all_spans():
    batches = WindowBatches(IDS, COUNTS, threshold=0, positions=32, span=100)
    found = list(batches.epoch(0))
    assert len(found) == len(batches) == -(-len(IDS) // 100)
    assert sum(batch["words"] for batch in found) == np.count_nonzero(IDS)
    centres = np.concatenate([batch["centres"].ravel() for batch in found])
    np.testing.assert_array_equal(np.bincount(centres, minlength=20)[4:], COUNTS[4:])


def test_dynamic_windows_are_uniform_and_epochs_differ():
    text = np.full(40_000, 5, np.int32)
    batches = WindowBatches(text, np.eye(1, 6, 5)[0], window=5, threshold=0, span=40_000)
    (batch,) = batches.epoch(0)
    reach = batch["left"].ravel()[100:39_000]
    np.testing.assert_allclose(np.bincount(reach, minlength=6)[1:] / len(reach), 0.2, atol=0.01)
    first, again, other = (next(WindowBatches(IDS, COUNTS, seed=1).epoch(number)) for number in (0, 0, 1))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["noise"], other["noise"])


def test_subsampling_is_word2vecs_formula():
    counts = np.array([0, 0, 0, 0, 90_000, 9_000, 900, 100])
    keep = keep_probability(counts, 1e-3)
    share = 0.9
    assert keep[4] == pytest.approx((np.sqrt(share / 1e-3) + 1) * 1e-3 / share)
    assert keep[7] == 1
    text = np.full(100_000, 4, np.int32)
    batches = WindowBatches(text, counts, threshold=1e-3, span=100_000)
    (batch,) = batches.epoch(0)
    assert np.count_nonzero(batch["centres"]) / len(text) == pytest.approx(keep[4], rel=0.05)


def test_noise_is_drawn_by_the_three_quarters_power():
    expected = COUNTS**0.75 / np.sum(COUNTS**0.75)
    np.testing.assert_allclose(noise_distribution(COUNTS), expected)
    batches = WindowBatches(IDS, COUNTS, noise=200_000, span=10_000)
    draws = np.bincount(next(batches.epoch(0))["noise"].ravel(), minlength=20) / 200_000
    np.testing.assert_allclose(draws, expected, atol=0.005)
    assert not draws[:4].any()


def test_blocks_are_those_of_the_ordered_batches():
    batches = WindowBatches(IDS, COUNTS, positions=32, span=300)
    blocks, whole = list(batches.blocks(2)), list(batches.ordered(2))
    assert len(blocks) == sum(len(batch["centres"]) for batch in whole)
    np.testing.assert_array_equal(blocks[0]["contexts"], whole[0]["contexts"][0])
    assert set(blocks[0]) == {"centres", "contexts", "left", "right", "noise"}
