"""Batches drawn anew."""

import numpy as np

from rnn_tasks.dataset import TEST, TRAIN, VAL, FreshBatches


def batches(seed=1):
    return FreshBatches(lambda count, rng: {"inputs": rng.random((count, 3))}, batch_size=4, batches=5, seed=seed)


def test_a_batch_is_a_function_of_seed_epoch_and_place():
    first = [batch["inputs"] for batch in batches().epoch(2)]
    assert len(first) == len(batches()) == 5
    np.testing.assert_array_equal(first, [batch["inputs"] for batch in batches().epoch(2)])
    assert all((batch["weights"] == np.ones(4)).all() for batch in batches().epoch(0))


def test_nothing_comes_twice():
    seen = [row for seed in (1, 2) for epoch in range(6) for b in batches(seed).epoch(epoch) for row in b["inputs"]]
    drawn = [np.random.default_rng([split, seed]).random((40, 3)) for split in (VAL, TEST) for seed in (1, 2)]
    everything = np.concatenate([np.array(seen), *drawn])
    assert len(np.unique(everything, axis=0)) == len(everything) == 2 * 6 * 20 + 160
    assert len({TRAIN, VAL, TEST}) == 3
