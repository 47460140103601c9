"""The native recurrence: the same numbers however it is shared out among threads, and whatever it keeps."""

import concurrent.futures

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks.layers.kernels import native
from rnn_tasks.layers.kernels.build import library
from rnn_tasks.layers.kernels.native import recur_natively
from rnn_tasks.layers.kernels.plain import recur_plainly

GATES = {"simple_rnn": 1, "relu_rnn": 1, "lstm": 4, "peephole_lstm": 4, "gru": 3, "gru_reset_before": 3}
PRECISIONS = [False, True] if library().bfloat16 else [False]


def problem(name, batch, time, features, units, masked):
    random = np.random.default_rng(batch + units)

    def normal(*shape):
        return tf.constant(random.normal(size=shape) * units**-0.5 / 2, tf.float32)

    width, states = GATES[name] * units, 2 if "lstm" in name else 1
    return {
        "inputs": normal(batch, time, features),
        "states": [normal(batch, units) for _ in range(states)],
        "kernel": normal(features, width),
        "recurrent_kernel": normal(units, width),
        "bias": normal(width),
        "recurrent_bias": normal(width) if name == "gru" else None,
        "peepholes": normal(3, units) if "peephole" in name else None,
        "mask": tf.constant(random.random((batch, time)) < 0.7) if masked else None,
    }


def outcome(name, given, bfloat16=False, keeps=True):
    """Outputs, states, and the gradients of a random projection of them to whatever has one."""
    sources = [value for key, value in given.items() if key != "mask" and value is not None]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        results = tf.nest.flatten(recur_natively(name, **given, bfloat16=bfloat16, keeps=keeps))
        weights = [np.random.default_rng(0).normal(size=result.shape) for result in results]
        target = tf.add_n([tf.reduce_sum(result * weight) for result, weight in zip(results, weights, strict=True)])
    return results, tf.nest.flatten(tape.gradient(target, sources))


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("batch", [1, 2, 6, 7])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("bfloat16", PRECISIONS)
def test_as_one_thread_computes_it(monkeypatch, name, batch, masked, bfloat16):
    """A few rows are shared out by units, more of them by rows; 150 units are no multiple of anything.

    An output's sum has the same order either way; a bias's gradient is added up thread by thread.
    """
    given = problem(name, batch, 160 if GATES[name] == 1 else 60, 20, 150, masked)
    by_threads = {}
    for threads in (1, 3):
        monkeypatch.setattr(native, "threads", lambda threads=threads: threads)
        by_threads[threads] = outcome(name, given, bfloat16)
    for found, wanted in zip(by_threads[3][0], by_threads[1][0], strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(by_threads[3][1], by_threads[1][1], strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


def test_several_callers_at_once(monkeypatch):
    """Each borrows threads of its own, whoever had them before; more of them than there are processors."""
    monkeypatch.setattr(native, "threads", lambda: 3)
    problems = [problem("lstm", batch, 60, 20, 150, masked=False) for batch in (1, 7)] * 3
    wanted = [outcome("lstm", given) for given in problems[:2]] * 3
    with concurrent.futures.ThreadPoolExecutor(len(problems)) as callers:
        for _ in range(5):
            for found, one in zip(callers.map(lambda given: outcome("lstm", given)[0], problems), wanted, strict=True):
                for part, expected in zip(found, one[0], strict=True):
                    np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("batch", [1, 9])
@pytest.mark.parametrize("projected", [False, True])
def test_what_keeps_nothing_gives_the_same(name, batch, projected):
    given = problem(name, batch, 30, 150 * GATES[name] if projected else 20, 150, masked=True)
    if projected:
        given["kernel"] = None
    for found, wanted in zip(
        tf.nest.flatten(outcome(name, given, keeps=False)), tf.nest.flatten(outcome(name, given)), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("shape", [(1, 0, 3, 200), (0, 5, 3, 4), (1, 1, 1, 1)])
def test_nothing_to_do(name, shape):
    """No steps leave the states as they are, no rows stay none."""
    given = problem(name, *shape, masked=False)
    for keeps in (False, True):
        (outputs, *states), gradients = outcome(name, given, keeps=keeps)
        assert outputs.shape == (*shape[:2], shape[3])
        if not shape[1]:
            np.testing.assert_array_equal(states, given["states"])
        assert all(np.isfinite(gradient).all() for gradient in gradients)


def plainly(name, inputs, states, **parts):
    """`recur_plainly` from what `recur_natively` is given."""
    absent = tf.zeros((0,))
    mask = parts.pop("mask")
    parts = {key: absent if value is None else value for key, value in parts.items()}
    keep = absent if mask is None else tf.cast(mask, tf.float32)
    h0, c0 = (*states, tf.zeros((inputs.shape[0], 0)))[:2]
    outputs, h, c = recur_plainly(name, inputs, **parts, keep=keep, h0=h0, c0=c0)
    return outputs, [h, c][: len(states)]


def with_state_mask(name, batch, time, features, units, masked):
    given = problem(name, batch, time, features, units, masked)
    drawn = np.random.default_rng(1).uniform(0.5, 2, (GATES[name], batch, units))
    return {**given, "state_mask": tf.constant(drawn, tf.float32)}


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("masked", [False, True])
def test_plainly_the_same(name, masked):
    """What second derivatives are of computes what the native kernel does."""
    for given in (problem(name, 3, 6, 4, 7, masked), with_state_mask(name, 3, 6, 4, 7, masked)):
        found, wanted = plainly(name, **{"state_mask": None, **given}), recur_natively(name, **given)
        for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("way", ["eager", "graph"])
@pytest.mark.parametrize("masked", [False, True])
def test_second_derivative(name, way, masked):
    """The gradient of a gradient penalty, to everything, against that of the recurrence in TensorFlow's operations."""
    given = with_state_mask(name, 2, 4, 3, 5, masked)
    constants = {key: given[key] for key in ("mask", "state_mask")}
    sources = {key: value for key, value in given.items() if key not in constants and value is not None}

    def derivative(recur):
        with tf.GradientTape() as outer:
            outer.watch(sources)
            with tf.GradientTape() as inner:
                inner.watch(sources)
                outputs, states = recur(name, **{**given, **sources})
                target = tf.reduce_sum(outputs**2) + tf.reduce_sum(states[-1])
            gradients = tf.nest.flatten(inner.gradient(target, sources))
            penalty = tf.add_n([tf.reduce_sum(gradient**2) for gradient in gradients])
        return tf.nest.flatten(outer.gradient(penalty, sources))

    compute = tf.function(derivative, autograph=False) if way == "graph" else derivative
    for found, wanted in zip(compute(recur_natively), derivative(plainly), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())
