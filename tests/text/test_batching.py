from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from rnn_tasks.dataset import RaggedArray, RaggedWriter
from rnn_tasks.text.batching import PairBatches, choose_shapes
from rnn_tasks.text.vocabulary import EOS, GO

IDS = st.lists(st.integers(4, 50), max_size=14)
PAIRS = st.lists(st.tuples(IDS, IDS), min_size=1, max_size=60)


def stores(directory, pairs):
    result = []
    for side, sequences in zip(("source", "target"), zip(*pairs, strict=True), strict=True):
        with RaggedWriter(directory / f"train.{side}") as writer:
            for ids in sequences:
                writer.append(ids)
        result.append(RaggedArray(directory / f"train.{side}"))
    return result


def random_pairs(count, longest=25, seed=0):
    random = np.random.default_rng(seed)
    lengths = np.clip(random.poisson(11, (count, 2)) + random.geometric(0.3, (count, 2)), 1, longest)
    return [(list(random.integers(4, 99, s)), list(random.integers(4, 99, t))) for s, t in lengths]


def tokens(row):
    """The row before its padding; fails where padding stands anywhere but at the end."""
    used = np.count_nonzero(row)
    assert not row[used:].any()
    return row[:used].tolist()


def read_back(batches, reverse=False):
    """The pairs that batches hold, filler rows left out."""
    for batch in batches:
        for source, target_in, target_out in zip(batch["source"], batch["target_in"], batch["target_out"], strict=True):
            assert tokens(source)
            assert tokens(target_in)[0] == GO
            if not target_out.any():
                assert tokens(source) == [EOS]
                assert tokens(target_in) == [GO]
                continue
            assert tokens(target_out)[-1] == EOS
            assert tokens(target_in)[1:] == tokens(target_out)[:-1]
            ids = [] if tokens(source) == [EOS] else tokens(source)
            yield tuple(ids[::-1] if reverse else ids), tuple(tokens(target_in)[1:])


@settings(max_examples=60, deadline=None)
@given(pairs=PAIRS, budget=st.integers(1, 400), max_shapes=st.integers(1, 5), reverse=st.booleans())
def test_every_pair_once_an_epoch_in_fixed_shapes(tmp_path_factory, pairs, budget, max_shapes, reverse):
    batches = PairBatches(
        *stores(tmp_path_factory.mktemp("pairs"), pairs),
        tokens_per_batch=budget,
        seed=3,
        reverse_source=reverse,
        max_shapes=max_shapes,
    )
    expected = Counter((tuple(source), tuple(target)) for source, target in pairs)
    shapes = set(batches.shapes)
    assert len(batches.shapes) == len(shapes) <= max_shapes
    for shape in shapes:
        assert shape.rows % 8 == 0
        assert shape.rows == 8 or shape.rows * max(shape.source_time, shape.target_time) <= budget
    for made in (list(batches.epoch(0)), list(batches.epoch(1))):
        assert Counter(read_back(made, reverse)) == expected
        assert len(made) == len(batches)
        for batch in made:
            assert {array.dtype.name for array in batch.values()} == {"int32"}
            assert batch["target_in"].shape == batch["target_out"].shape
            assert (*batch["source"].shape, batch["target_in"].shape[1]) in shapes
        positions = sum(batch["source"].size + batch["target_in"].size for batch in made)
        used = sum(max(1, len(source)) + len(target) + 1 for source, target in pairs)
        assert batches.padding_fraction == pytest.approx(1 - used / positions)


@settings(max_examples=60, deadline=None)
@given(pairs=PAIRS, budget=st.integers(1, 400), max_shapes=st.integers(1, 5), reverse=st.booleans())
def test_in_order_every_pair_once_and_within_the_budget(tmp_path_factory, pairs, budget, max_shapes, reverse):
    """What does not fit with eight rows comes alone, without padding: nothing is computed eight times for one pair."""
    sides = stores(tmp_path_factory.mktemp("pairs"), pairs)
    batches = PairBatches(*sides, tokens_per_batch=budget, reverse_source=reverse, max_shapes=max_shapes)
    made = list(batches.ordered())
    assert Counter(read_back(made, reverse)) == Counter((tuple(source), tuple(target)) for source, target in pairs)
    for batch in made:
        rows, widest = len(batch["source"]), max(batch["source"].shape[1], batch["target_in"].shape[1])
        assert (rows % 8 == 0 and rows * widest <= budget) or rows == 1
        if rows == 1:
            assert batch["source"].all()
            assert batch["target_in"].all()
    seen = [pair for batch in made for pair in batch["index"] if pair >= 0]
    assert sorted(seen) == list(range(len(pairs)))


def test_golden_batch(tmp_path):
    pairs = [([11, 12, 13], [21, 22]), ([], [23]), ([14], [])]
    [batch] = PairBatches(*stores(tmp_path, pairs), tokens_per_batch=8 * 3, reverse_source=True, max_shapes=1).ordered()
    filler = 5
    assert batch["source"].tolist() == [[14, 0, 0], [EOS, 0, 0], [13, 12, 11]] + [[EOS, 0, 0]] * filler
    assert batch["target_in"].tolist() == [[GO, 0, 0], [GO, 23, 0], [GO, 21, 22]] + [[GO, 0, 0]] * filler
    assert batch["target_out"].tolist() == [[EOS, 0, 0], [23, EOS, 0], [21, 22, EOS]] + [[0, 0, 0]] * filler
    assert batch["index"].tolist() == [2, 1, 0] + [-1] * filler


def test_order_depends_on_seed_and_epoch_alone(tmp_path):
    source, target = stores(tmp_path, random_pairs(300))

    def order(seed, epoch):
        batches = PairBatches(source, target, tokens_per_batch=300, seed=seed)
        return [batch["source"].tolist() for batch in batches.epoch(epoch)]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_batches_of_all_lengths_mix(tmp_path):
    batches = PairBatches(*stores(tmp_path, random_pairs(2_000)), tokens_per_batch=200)
    widths = [batch["source"].shape[1] for batch in batches.epoch(0)]
    assert len(set(widths)) > 3
    assert widths != sorted(widths)
    first, second = widths[: len(widths) // 2], widths[len(widths) // 2 :]
    assert np.mean(first) == pytest.approx(np.mean(second), rel=0.1)


def test_skip_goes_on_where_an_epoch_was_left(tmp_path):
    batches = PairBatches(*stores(tmp_path, random_pairs(200)), tokens_per_batch=200)
    whole, rest = list(batches.epoch(4)), list(batches.epoch(4, skip=5))
    assert len(rest) == len(whole) - 5
    for expected, batch in zip(whole[5:], rest, strict=True):
        np.testing.assert_array_equal(batch["source"], expected["source"])
        np.testing.assert_array_equal(batch["target_out"], expected["target_out"])


def test_index_puts_results_back_in_order(tmp_path):
    pairs = random_pairs(150)
    batches = PairBatches(*stores(tmp_path, pairs), tokens_per_batch=400)
    lengths = np.zeros(len(pairs), int)
    for batch in batches.ordered():
        real = batch["index"] >= 0
        lengths[batch["index"][real]] = np.count_nonzero(batch["target_out"][real], axis=1) - 1
    assert lengths.tolist() == [len(target) for _, target in pairs]


def test_little_is_padded(tmp_path):
    source, target = stores(tmp_path, random_pairs(8_000))
    one = PairBatches(source, target, tokens_per_batch=2_000, max_shapes=1)
    eight = PairBatches(source, target, tokens_per_batch=2_000, max_shapes=8)
    assert one.padding_fraction > 0.4
    assert eight.padding_fraction < 0.2
    assert len(eight) < 0.75 * len(one)


def test_separate_lengths_get_separate_shapes():
    short, long = np.full(80, 3), np.full(80, 20)
    shapes = choose_shapes(np.concatenate([short, long]), np.concatenate([long, short]), 160, max_shapes=4)
    assert {tuple(shape) for shape in shapes} == {(8, 3, 20), (8, 20, 3)}


def test_few_pairs_get_few_rows():
    assert choose_shapes(np.full(9, 5), np.full(9, 6), 10_000, max_shapes=8) == [(16, 5, 6)]


def test_sides_must_match(tmp_path):
    source, _ = stores(tmp_path, random_pairs(3))
    with RaggedWriter(tmp_path / "more") as writer:
        writer.append([4])
    with pytest.raises(ValueError, match="3 sources and 1 targets"):
        PairBatches(source, RaggedArray(tmp_path / "more"), tokens_per_batch=100)
