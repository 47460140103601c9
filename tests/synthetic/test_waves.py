"""The embedded series, against closed forms and known figures."""

import numpy as np
import pytest

from rnn_tasks.synthetic import embedded_series


def test_waves_are_the_formula():
    values, start = embedded_series("waves", 400, 0.0, 1)
    assert start == ""
    for step in (0, 7, 122, 399):
        t = step / 10
        assert values[step] == pytest.approx(t * np.sin(t) / 3 + 2 * np.sin(5 * t))


def test_sines_have_three_frequencies():
    values, _ = embedded_series("sines", 24 * 11 * 60, 0.0, 1)
    strength = np.abs(np.fft.rfft(values)) / len(values) * 2
    strong = np.flatnonzero(strength > 0.01)
    np.testing.assert_array_equal(len(values) / strong, [60, 24, 11])
    np.testing.assert_allclose(strength[strong], [0.4, 1.0, 0.6], rtol=1e-6)


def test_sunspots_are_those_of_statsmodels():
    values, start = embedded_series("sunspots", 0, 0.0, 1)
    assert (len(values), start) == (309, "1700-01-01")
    assert values[:3].tolist() == [5.0, 11.0, 16.0]


def test_noise_comes_from_the_seed():
    plain, one, again, other = (
        embedded_series("waves", 5_000, noise, seed)[0] for noise, seed in ((0.0, 1), (0.5, 1), (0.5, 1), (0.5, 2))
    )
    np.testing.assert_array_equal(one, again)
    assert np.any(one != other)
    assert (one - plain).std() == pytest.approx(0.5, rel=0.05)
    assert embedded_series("noise", 5_000, 0.0, 1)[0].std() == pytest.approx(1.0, rel=0.05)
