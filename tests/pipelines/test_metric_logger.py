"""What MLflow hears of an epoch, and within it."""

from __future__ import annotations

import pytest

from pipelines import metric_logger, tracking
from pipelines.metric_logger import MetricLogger


def test_the_loss_within_an_epoch_is_told_by_step(home, monkeypatch):
    told = []
    clock = iter(range(1000))
    monkeypatch.setattr(tracking, "log_metrics", lambda run_id, metrics, step=0: told.append((step, metrics)))
    monkeypatch.setattr(metric_logger.time, "monotonic", lambda: next(clock))
    logger = MetricLogger("some-run")
    logger.set_params({"epochs": 2, "steps": 10})
    for epoch in range(2):
        logger.on_epoch_begin(epoch)
        for batch in range(10):
            logger.on_train_batch_end(batch, {"loss": float(10 * epoch + batch)})
        logger.on_epoch_end(epoch, {"loss": 1.0})
    within = [(step, metrics["train_loss"]) for step, metrics in told if "train_loss" in metrics]
    assert [step for step, _ in within] == sorted({step for step, _ in within})
    assert all(1 <= step <= 20 for step, _ in within)
    # Each batch counts in one mean: five losses up to the fifth batch, and so on.
    assert within[0] == (5, pytest.approx(2.0))
    assert [(step, metrics) for step, metrics in told if "loss" in metrics] == [(1, {"loss": 1.0}), (2, {"loss": 1.0})]
