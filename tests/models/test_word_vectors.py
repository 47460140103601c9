"""Closed forms of word2vec's losses: against a plain loop in NumPy, and their gradients against autodiff."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import models
from rnn_tasks.text import WindowBatches, noise_distribution

WORDS, DIM, WINDOW, NEGATIVES = 12, 5, 3, 4
RNG = np.random.default_rng(0)
IDS = np.array([n for _ in range(9) for n in (*RNG.integers(4, WORDS, RNG.integers(1, 12)), 0)], np.int32)
COUNTS = np.bincount(IDS, minlength=WORDS) * (np.arange(WORDS) >= 4)
BLOCK = next(WindowBatches(IDS, COUNTS, window=WINDOW, threshold=0, positions=96, noise=6).blocks())
TABLES = RNG.normal(0, 0.6, (2, WORDS, DIM)).astype(np.float32)
LOG_RATIO = np.where(COUNTS > 0, np.log(np.maximum(COUNTS, 1) / COUNTS.sum()), 0).astype(np.float32)
LOG_RATIO -= np.where(COUNTS > 0, np.log(np.maximum(noise_distribution(COUNTS), 1e-9)), 0).astype(np.float32)

OBJECTIVES = {
    "negative_sampling": models.negative_sampling(NEGATIVES),
    "nce": models.noise_contrastive(NEGATIVES, LOG_RATIO),
    "sampled_softmax": models.sampled_softmax(LOG_RATIO),
}
ARCHITECTURES = {"skip_gram": models.skip_gram, "cbow": models.cbow}


def examples(architecture):
    """(hidden vector, right word) of each pair, or position, by a loop over positions."""
    v, u = TABLES.astype(np.float64)
    for row in range(len(BLOCK["centres"])):
        for place in range(BLOCK["centres"].shape[1]):
            left, right = BLOCK["left"][row, place], BLOCK["right"][row, place]
            near = [o for o in range(-left, right + 1) if o]
            contexts = [BLOCK["contexts"][row, place + WINDOW + offset] for offset in near]
            centre = BLOCK["centres"][row, place]
            if architecture == "skip_gram":
                yield from ((v[centre], u[context], context) for context in contexts)
            elif contexts:
                yield v[contexts].mean(axis=0), u[centre], centre


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def loss_by_hand(architecture, loss):
    total, count = 0.0, 0
    noise = BLOCK["noise"]
    for hidden, vector, word in examples(architecture):
        right, wrong = hidden @ vector, TABLES[1][noise].astype(np.float64) @ hidden
        if loss == "sampled_softmax":
            shift = LOG_RATIO - np.log(len(noise))
            logits = np.array([right + shift[word], *(wrong + shift[noise])])
            total += np.log(np.exp(logits).sum()) - logits[0]
        else:
            shift = LOG_RATIO - np.log(NEGATIVES) if loss == "nce" else np.zeros(WORDS)
            total -= np.log(sigmoid(right + shift[word]))
            total -= NEGATIVES * np.mean(np.log(sigmoid(-(wrong + shift[noise]))))
        count += 1
    return total, count


@pytest.mark.parametrize("loss", OBJECTIVES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_loss_is_that_of_a_plain_loop(architecture, loss):
    found = ARCHITECTURES[architecture](TABLES, BLOCK, window=WINDOW, objective=OBJECTIVES[loss])
    total, count = loss_by_hand(architecture, loss)
    assert float(found.total) == pytest.approx(total, rel=1e-4)
    assert float(found.weight) == count > 50


@pytest.mark.parametrize("loss", OBJECTIVES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_gradient_is_that_of_the_loss(architecture, loss):
    tables = [tf.constant(table) for table in TABLES]
    with tf.GradientTape() as tape:
        tape.watch(tables)
        found = ARCHITECTURES[architecture](tables, BLOCK, window=WINDOW, objective=OBJECTIVES[loss])
    for (ids, rows), expected in zip(found.rows, tape.gradient(found.total, tables), strict=True):
        summed = np.zeros((WORDS, DIM), np.float32)
        np.add.at(summed, ids.numpy(), rows.numpy())
        np.testing.assert_allclose(summed, tf.convert_to_tensor(expected), rtol=1e-3, atol=2e-4)


def test_ranking_counts_noise_below_a_context_ties_half():
    total, count = models.ranking(TABLES, BLOCK, WINDOW)
    right = [np.mean(u @ h > TABLES[1][BLOCK["noise"]] @ h) for h, u, _ in examples("skip_gram")]
    ties = [np.mean(np.isclose(u @ h, TABLES[1][BLOCK["noise"]] @ h)) for h, u, _ in examples("skip_gram")]
    assert float(total / count) == pytest.approx(np.mean(right) + np.mean(ties) / 2, abs=0.02)
    zeros = np.zeros_like(TABLES)
    assert float(np.divide(*models.ranking(zeros, BLOCK, WINDOW))) == pytest.approx(0.5)


def test_the_model_holds_both_tables_and_gives_their_products():
    model = models.word_vectors(WORDS, DIM)
    vectors, contexts = model.get_weights()
    assert np.abs(vectors).max() <= 0.5 / DIM
    assert not contexts.any()
    model.set_weights(TABLES)
    scores = model({"centres": BLOCK["centres"], "contexts": BLOCK["contexts"]})
    expected = np.einsum("rtd,rod->rto", TABLES[0][BLOCK["centres"]], TABLES[1][BLOCK["contexts"]])
    np.testing.assert_allclose(scores, expected, atol=1e-5)
