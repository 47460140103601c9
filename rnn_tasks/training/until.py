"""Training until a goal is reached."""

from __future__ import annotations

from typing import Any

import keras


class StopAt(keras.callbacks.Callback):
    """Stop after the epoch in which a metric reaches a value.

    Args:
        metric: a name in the logs of an epoch; a higher value is better.
        value: training stops when the metric is at least this.
    """

    def __init__(self, metric: str, value: float) -> None:
        super().__init__()
        self.metric, self.value = metric, value

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if (logs or {}).get(self.metric, -float("inf")) >= self.value:
            self.model.stop_training = True
