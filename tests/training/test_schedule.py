"""Learning rates against their closed forms."""

import math

import pytest

from rnn_tasks.config import TrainingConfig
from rnn_tasks.training.schedule import Progress, learning_rate


def test_warm_up_is_linear():
    config = TrainingConfig(learning_rate=0.8, warmup_steps=4)
    assert [learning_rate(config, step, 100) for step in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8])


def test_cosine_goes_from_the_peak_to_one_percent():
    config = TrainingConfig(learning_rate=2.0, warmup_steps=10, decay="cosine")
    assert learning_rate(config, 10, 110) == pytest.approx(2.0)
    assert learning_rate(config, 60, 110) == pytest.approx(2.0 * (0.01 + 0.99 / 2))
    assert learning_rate(config, 35, 110) == pytest.approx(2.0 * (0.01 + 0.99 * (1 + math.cos(math.pi / 4)) / 2))
    assert learning_rate(config, 110, 110) == pytest.approx(0.02)


def test_linear_goes_to_a_ten_thousandth():
    config = TrainingConfig(learning_rate=2.0, warmup_steps=10, decay="linear")
    assert [learning_rate(config, step, 110) for step in (10, 60, 109, 110)] == pytest.approx([2.0, 1.0, 0.02, 2e-4])


def test_plateau_halves_only_what_it_is_told_to():
    config = TrainingConfig(decay="plateau", plateau_patience=1)
    progress = Progress()
    assert progress.update(1.0, 0, False, config)
    assert not progress.update(1.0, 1, False, config)
    assert progress.plateau_factor == 0.5
    assert progress.update(0.9, 2, False, config)
    assert (progress.best, progress.best_epoch, progress.plateau_factor) == (0.9, 2, 0.5)
    assert Progress(**progress.as_json()) == progress


def test_exponential_decay_begins_behind_the_first_epochs():
    """Of 13 epochs, Zaremba et al.'s small model has its rate halved in each behind the fourth."""
    config = TrainingConfig(learning_rate=8.0, decay="exponential", decay_after=4, decay_factor=0.5)
    assert [learning_rate(config, 0, 1, epoch=epoch) for epoch in range(7)] == [8, 8, 8, 8, 4, 2, 1]


def test_a_number_is_better_than_none():
    progress = Progress()
    values = [math.nan, 0.5, math.nan, 0.4, 0.6]
    best = [progress.update(value, epoch, False, TrainingConfig()) for epoch, value in enumerate(values)]
    assert best == [True, True, False, True, False]
    assert (progress.best, progress.best_epoch) == (0.4, 3)
