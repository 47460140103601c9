"""Scheduled sampling between its two ends, teacher forcing and free running, and its schedules in closed form."""

import contextlib
import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from rnn_tasks import models, training
from rnn_tasks.training import exponential_epsilon, inverse_sigmoid_epsilon, linear_epsilon, scheduled_sampling
from tests.models.dropped_units import check_masks, dropping

PAD, UNK, GO, EOS = range(4)
SOURCE = np.array([[5, 6, 7, 8], [9, 4, 0, 0]], np.int32)
TARGET_IN = np.array([[2, 5, 6, 9], [2, 7, 4, 4]], np.int32)
TARGET_OUT = np.array([[5, 6, 9, 3], [7, 4, 4, 3]], np.int32)


def build(**options):
    keras.utils.set_random_seed(4)
    return models.EncoderDecoder(11, 12, units=8, embedding_dim=6, **options)


def loss_and_gradients(model, scores):
    with tf.GradientTape() as tape:
        loss = training.sequence_cross_entropy(scores(), TARGET_OUT).total
    return loss, [tf.convert_to_tensor(g) for g in tape.gradient(loss, model.trainable_weights)]


def fed(table, target_in, epsilon, seed):
    """What a Markov chain of (last, next) probabilities was given to read, (batch, time)."""
    read = []

    def step(ids, state, memory):
        read.append(ids.numpy())
        return tf.math.log(tf.gather(tf.constant(table, tf.float32), ids)), state, memory

    nothing = tf.zeros([len(target_in), 1])
    scores = scheduled_sampling(step, nothing, nothing, tf.constant(target_in), epsilon, seed)
    ids = np.stack(read, axis=1)
    np.testing.assert_allclose(np.exp(scores), np.asarray(table)[ids], atol=1e-6)
    return ids


LSTM = {"cell": "lstm", "layers": 2}
FEEDING = {"cell": "gru", "attention": "bahdanau", "input_feeding": True}


@pytest.mark.parametrize(("case", "epsilon"), [(LSTM, 1.0), (FEEDING, 1.0), (LSTM, 0.5), (FEEDING, 0.0)])
def test_it_is_teacher_forcing_on_what_was_read(case, epsilon):
    """Scores and gradients; with epsilon 1 what was read is the reference."""
    model = build(**case)
    read = []

    def step(ids, state, memory):
        read.append(ids)
        return model.step(ids, state, memory)

    def scores():
        memory, state = model.encode(SOURCE)
        return scheduled_sampling(step, state, memory, TARGET_IN, epsilon, seed=1)

    loss, gradients = loss_and_gradients(model, scores)
    target_in = tf.stack(read, axis=1)
    assert np.all(target_in[:, 0] == GO)
    assert np.array_equal(target_in, TARGET_IN) == (epsilon == 1.0)
    forced_loss, forced = loss_and_gradients(model, lambda: model({"source": SOURCE, "target_in": target_in}))
    np.testing.assert_allclose(loss, forced_loss, rtol=1e-5)
    for weight, ours, theirs in zip(model.trainable_weights, gradients, forced, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=weight.path)


def test_padding_of_the_reference_changes_no_score_before_it():
    model = build()
    memory, state = model.encode(SOURCE)
    padded = np.where([[1, 1, 1, 1], [1, 1, 0, 0]], TARGET_IN, PAD)
    scores = scheduled_sampling(model.step, state, memory, padded, 1.0, seed=1)
    forced = tf.nn.log_softmax(model({"source": SOURCE, "target_in": padded}))
    np.testing.assert_allclose(scores[0], forced[0], atol=1e-5)
    np.testing.assert_allclose(scores[1, :2], forced[1, :2], atol=1e-5)


@pytest.mark.parametrize("feeding", [False, True], ids=["not fed", "fed"])
@pytest.mark.parametrize("whole", [False, True], ids=["step", "training_step"])
def test_with_dropout(feeding, whole):
    """In a graph, masks as of teacher forcing; the next sequence has its own, and what was drawn stays in the graph."""
    model, ids = dropping(input_feeding=feeding), np.ones((2, 40), np.int32)
    alone = contextlib.nullcontext(functools.partial(model.step, training=True))

    @tf.function(autograph=False)
    def scores():
        with tf.GradientTape() as tape:
            memory, state = model.encode(ids, training=True)
            with model.training_step(memory) if whole else alone as step:
                found = scheduled_sampling(step, state, memory, ids, 0.5, seed=1)
            loss = training.sequence_cross_entropy(found, ids).total
        return found, tape.gradient(loss, model.target_embedding.embeddings.value)

    (first, gradient), (second, _) = scores(), scores()
    for found in (first, second):
        check_masks(found, shared=feeding and whole)
    assert not np.array_equal(first, second)
    check_masks(model({"source": ids, "target_in": ids}, training=True), shared=feeding)
    assert np.all(np.isfinite(gradient))
    assert np.any(gradient != 0.0)


# From <go> 4, 5, 6, 4, ...; the reference is all 7, which leads to 4 as well.
ROUND = np.eye(8)[[4, 4, 4, 4, 5, 6, 4, 4]]
REFERENCE = np.full((500, 40), 7, np.int32)
REFERENCE[:, 0] = GO


def test_free_running_reads_its_own_words():
    expected = [GO, *[4, 5, 6] * 13]
    np.testing.assert_array_equal(fed(ROUND, REFERENCE[:2], 0.0, seed=3), [expected, expected])


def test_own_words_follow_the_last_distribution():
    """Every transition of a free run, against the chain's; <pad> and <go>, although likely, are never read."""
    random = np.random.default_rng(0)
    table = random.dirichlet(np.ones(8), size=8)
    ids = fed(table, REFERENCE, 0.0, seed=11)
    counts = np.zeros((8, 8))
    np.add.at(counts, (ids[:, :-1], ids[:, 1:]), 1)
    assert counts[:, [PAD, GO]].sum() == 0
    words = [i for i in range(8) if i not in (PAD, GO)]
    wanted = table[:, words] / table[:, words].sum(-1, keepdims=True)
    expected = wanted * counts.sum(-1, keepdims=True)
    often = expected >= 5
    statistic = ((counts[:, words] - expected)[often] ** 2 / expected[often]).sum()
    assert often.sum() > 30
    assert stats.chi2.sf(statistic, often.sum() - np.any(often, axis=-1).sum()) > 0.001


@pytest.mark.parametrize("epsilon", [0.1, 0.75])
def test_the_share_of_the_reference_is_epsilon(epsilon):
    is_reference = fed(ROUND, REFERENCE, epsilon, seed=8)[:, 1:] == 7
    low, high = stats.binom.interval(0.999, is_reference.size, epsilon)
    assert low <= is_reference.sum() <= high
    # Each step and each sample has a coin of its own: neighbours agree by chance alone.
    for one, other in ((is_reference[1:], is_reference[:-1]), (is_reference[:, 1:], is_reference[:, :-1])):
        low, high = stats.binom.interval(0.9999, one.size, epsilon**2)
        assert low <= (one & other).sum() <= high


def test_the_same_seed_reads_the_same():
    random = np.random.default_rng(1).dirichlet(np.ones(8), size=8)
    first, again, other = (fed(random, REFERENCE[:5], 0.5, seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_with_epsilon_and_seed_as_tensors(jit_compile):
    """Scores, and the gradients that flow back through a decoder's states, as eager (XLA draws otherwise)."""
    kernel = tf.Variable(np.random.default_rng(2).normal(size=(12, 12)), dtype=tf.float32)

    def step(ids, state, memory):
        state = tf.tanh(state @ kernel + tf.gather(kernel, ids))
        return tf.nn.log_softmax(state), state, memory

    def gradient(epsilon, seed):
        with tf.GradientTape() as tape:
            scores = scheduled_sampling(step, tf.zeros([2, 12]), tf.zeros([2, 1]), TARGET_IN, epsilon, seed)
            loss = training.sequence_cross_entropy(scores, TARGET_OUT).total
        return scores, tape.gradient(loss, kernel)

    compiled = tf.function(gradient, autograph=False, jit_compile=jit_compile)
    for epsilon in (1.0, 0.3):
        found, expected = compiled(tf.constant(epsilon), tf.constant(6)), gradient(epsilon, 6)
        same = not jit_compile or epsilon == 1.0
        assert np.allclose(found[0], expected[0], atol=1e-5) == same
        assert np.allclose(found[1], expected[1], atol=1e-5) == same
        for one, other in zip(found, compiled(tf.constant(epsilon), tf.constant(6)), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("update", [0, 1, 10, 500, 100_000])
def test_schedules_are_those_of_the_paper(update):
    """Bengio et al. 2015, the three schedules."""
    np.testing.assert_allclose(
        linear_epsilon(update, slope=1e-3, start=0.9, least=0.1), max(0.1, 0.9 - 1e-3 * update), rtol=1e-6
    )
    np.testing.assert_allclose(exponential_epsilon(update, k=0.99), 0.99**update, rtol=1e-4, atol=1e-30)
    exact = 100.0 / (100.0 + math.exp(min(update / 100.0, 700.0)))
    np.testing.assert_allclose(inverse_sigmoid_epsilon(update, k=100.0), exact, rtol=1e-5, atol=1e-30)


def test_schedules_take_the_optimizers_count():
    optimizer = keras.optimizers.SGD()
    optimizer.build([keras.Variable(1.0)])
    optimizer.iterations.assign(50)
    np.testing.assert_allclose(linear_epsilon(optimizer.iterations, slope=0.01), 0.5)
    np.testing.assert_allclose(exponential_epsilon(optimizer.iterations, 0.9), 0.9**50, rtol=1e-5)
    np.testing.assert_allclose(inverse_sigmoid_epsilon(optimizer.iterations, 1.0), 1 / (1 + math.exp(50)), rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linear_epsilon(0, slope=-1.0), "slope must lie between 0 and inf; found -1.0"),
        (lambda: linear_epsilon(0, slope=0.1, start=1.5), "start must lie between 0 and 1; found 1.5"),
        (lambda: linear_epsilon(0, slope=0.1, start=0.5, least=0.6), "least must lie between 0 and 0.5; found 0.6"),
        (lambda: exponential_epsilon(0, k=1.1), "k must lie between 0 and 1; found 1.1"),
        (lambda: inverse_sigmoid_epsilon(0, k=0.5), "k must lie between 1 and inf; found 0.5"),
        (lambda: fed(ROUND, REFERENCE, 1.5, 0), "epsilon must lie between 0 and 1; found 1.5"),
    ],
)
def test_wrong_values_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
