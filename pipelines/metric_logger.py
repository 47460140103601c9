"""A Keras callback that reports each epoch. Importing this imports Keras."""

from __future__ import annotations

import logging
import math
from typing import Any

import keras

from pipelines import tracking

logger = logging.getLogger(__name__)


class MetricLogger(keras.callbacks.Callback):
    """Sends each epoch's metrics to an MLflow run, and one line to the log.

    Args:
        run_id: the MLflow run; the callback needs no active run, so it works in any thread.
    """

    def __init__(self, run_id: str):
        super().__init__()
        self.run_id = run_id

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Report `logs`. Epochs count from 0 in Keras; people and MLflow's charts count from 1."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        tracking.log_metrics(self.run_id, metrics, step=epoch + 1)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items() if math.isfinite(value))
        logger.info("train: epoch %d  %s", epoch + 1, shown)
