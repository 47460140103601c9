"""Updates of single rows: by hand, with words that occur several times, and on several devices as on one."""

import keras
import numpy as np
import pytest
from killed import KillAt, Killed
from new_process import in_new_process

from rnn_tasks import training
from rnn_tasks.config import TrainingConfig
from rnn_tasks.training.row_update import TINY

IDS = np.array([[[1, 3, 3], [5, 1, 0]], [[2, 3, 1], [1, 1, 1]]], np.int32)  # (blocks, rows, ids)
WANTED = np.array([[0.5], [1.0]], np.float32)  # (blocks, 1), the same for all rows of a block


def gradient(tables, block):
    """Of the summed squared distance of each row that is named from `wanted`."""
    import tensorflow as tf

    ids = tf.reshape(block["ids"], [-1])
    errors = tf.gather(tables[0], ids) - block["wanted"]
    return tf.reduce_sum(errors**2), tf.cast(tf.size(ids), tf.float32), [(ids, 2 * errors)]


def updated(optimizer, devices=""):
    """(losses and weights, table, sums) after two batches of two blocks each."""
    strategy = "mirrored" if devices else "none"
    config = TrainingConfig(optimizer=optimizer, learning_rate=0.1, strategy=strategy, devices=devices)
    with training.training_scope(config, 1):
        table = keras.Variable(np.arange(12, dtype="float32").reshape(6, 2) / 10)
        update = training.RowUpdate([table], gradient, config, shared=["wanted"])
        results = [[float(part) for part in update({"ids": IDS, "wanted": WANTED})] for _ in range(2)]
        update.learning_rate = 0.05
        results.append([float(part) for part in update({"ids": IDS, "wanted": WANTED, "words": np.float32(3)})])
        return results, *(np.asarray(variable) for variable in (table, *update.variables))


def by_hand(optimizer):
    table, sums, results = np.arange(12, dtype="float64").reshape(6, 2) / 10, np.zeros(6), []
    for rate in (0.1, 0.1, 0.05):
        total = weight = 0
        for ids, wanted in zip(IDS, WANTED, strict=True):
            errors = table[ids.ravel()] - wanted
            rows = np.zeros_like(table)
            np.add.at(rows, ids.ravel(), 2 * errors)
            total, weight = total + np.sum(errors**2), weight + ids.size
            if optimizer == "adagrad":
                sums += np.mean(rows**2, axis=1)
                rows /= np.sqrt(sums + TINY)[:, None]
            table -= rate * rows
        results.append([total, weight])
    return results, table, sums


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_blocks_one_after_the_other_as_by_hand(optimizer):
    results, table, rate, *sums = updated(optimizer)
    expected, expected_table, expected_sums = by_hand(optimizer)
    np.testing.assert_allclose(results, expected, rtol=1e-5)
    np.testing.assert_allclose(table, expected_table, rtol=1e-5)
    assert rate == pytest.approx(0.05)
    if sums:
        np.testing.assert_allclose(sums[0], expected_sums, rtol=1e-5)
    np.testing.assert_array_equal(table[4], np.float32([0.8, 0.9]))  # no block names it


def test_three_devices_update_as_one_does():
    ours = in_new_process(updated, "adagrad", "3")  # one of them has no row of a block of two
    for one, other in zip(updated("adagrad"), ours, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


class Blocks:
    """Eight batches of random ids, the same for the same epoch."""

    def __len__(self):
        return 8

    def epoch(self, number):
        rng = np.random.default_rng(number)
        for _ in range(8):
            ids = rng.integers(0, 6, (2, 4, 3)).astype(np.int32)
            yield {"ids": ids, "wanted": rng.normal(size=(2, 1)).astype(np.float32), "words": np.float32(5)}


def fit(work_dir, callbacks=()):
    config = TrainingConfig(optimizer="adagrad", learning_rate=0.1, decay="linear", epochs=3, checkpoint_minutes=1e-9)
    with training.training_scope(config, 1):
        model = keras.Sequential([keras.Input((None,)), keras.layers.Embedding(6, 2)])
        table = model.layers[0].embeddings
        return training.fit(
            model,
            Blocks(),
            training.RowUpdate([table], gradient, config, shared=["wanted"]),
            config=config,
            work_dir=work_dir,
            validate=lambda model: {"val_sum": float(np.sum(np.asarray(table)))},
            monitor="val_sum",
            higher_is_better=True,
            callbacks=callbacks,
            throughput="train_words_per_second",
            counted=lambda batch: float(batch["words"]),
        )


def test_a_killed_training_ends_where_an_undisturbed_one_does(tmp_path):
    undisturbed = fit(tmp_path / "one")
    with pytest.raises(Killed):
        fit(tmp_path / "two", [KillAt(11)])
    resumed = fit(tmp_path / "two")
    assert resumed.steps == undisturbed.steps == 24
    for name in ("checkpoint.npz", "best.npz"):
        with np.load(tmp_path / "one" / name) as one, np.load(tmp_path / "two" / name) as two:
            for key in set(one.files) - {"state"}:
                np.testing.assert_array_equal(one[key], two[key])
    for trained in (undisturbed, resumed):
        assert trained.metrics["train_words_per_second"] * trained.seconds == pytest.approx(3 * 8 * 5)
