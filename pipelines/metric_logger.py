"""A Keras callback that reports each epoch, and the loss within it. Importing this imports Keras."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

import keras

from pipelines import tracking

logger = logging.getLogger(__name__)


EVERY_SECONDS = 5.0


class MetricLogger(keras.callbacks.Callback):
    """Sends each epoch's metrics to an MLflow run, and one line to the log; `train_loss` every few seconds, by step.

    Args:
        run_id: the MLflow run; the callback needs no active run, so it works in any thread.
    """

    def __init__(self, run_id: str):
        super().__init__()
        self.run_id, self.epoch = run_id, 0
        self.losses: list[float] = []
        self.told = time.monotonic()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Tell which metric of the validation split chooses the epoch."""
        better = "higher" if self.params["higher_is_better"] else "lower"
        tags = {tracking.MONITOR: self.params["monitor"], tracking.MONITOR_DIRECTION: better}
        tracking.set_tags(self.run_id, tags)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember which one it is."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Report the mean loss of the batches since the last report."""
        self.losses.append(float((logs or {})["loss"]))
        if time.monotonic() - self.told >= EVERY_SECONDS:
            step = self.epoch * self.params["steps"] + batch + 1
            tracking.log_metrics(self.run_id, {"train_loss": sum(self.losses) / len(self.losses)}, step=step)
            self.losses, self.told = [], time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Report `logs`. Epochs count from 0 in Keras; people and MLflow's charts count from 1."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        tracking.log_metrics(self.run_id, metrics, step=epoch + 1)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items() if math.isfinite(value))
        logger.info("train: epoch %d  %s", epoch + 1, shown)
