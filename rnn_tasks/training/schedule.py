"""The learning rate of each update, and early stopping by validation."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from rnn_tasks.config import TrainingConfig

COSINE_FLOOR = 0.01
LINEAR_FLOOR = 1e-4


def learning_rate(
    config: TrainingConfig, step: int, total_steps: int, plateau_factor: float = 1.0, epoch: int = 0
) -> float:
    """The rate of update `step` in `epoch` (both counted from 0).

    Linear warm-up to the peak (Goyal et al. 2017), then one of these: constant; cosine to 1 % of the peak
    (Loshchilov & Hutter 2017, without restarts); linear to 0.01 % of it (as in word2vec's program); the peak times
    `plateau_factor`; or falling by a factor in each epoch after the first ones (Zaremba et al. 2014).
    """
    rate = config.learning_rate * plateau_factor
    if step < config.warmup_steps:
        return rate * (step + 1) / config.warmup_steps
    if config.decay == "exponential":
        return rate * config.decay_factor ** max(0, epoch + 1 - config.decay_after)
    if config.decay not in ("cosine", "linear"):
        return rate
    progress = min(1.0, (step - config.warmup_steps) / max(1, total_steps - config.warmup_steps))
    if config.decay == "linear":
        return rate * max(1 - progress, LINEAR_FLOOR)
    return rate * (COSINE_FLOOR + (1 - COSINE_FLOOR) * 0.5 * (1 + math.cos(math.pi * progress)))


@dataclass
class Progress:
    """Best validation value so far and the decisions based on it; a JSON-able part of the loop's state."""

    best: float | None = None
    best_epoch: int = -1
    epochs_since_best: int = 0
    epochs_since_cut: int = 0
    plateau_factor: float = 1.0

    def update(self, value: float, epoch: int, higher_is_better: bool, config: TrainingConfig) -> bool:
        """Record an epoch's monitored value; True if it is the best so far (after a NaN, any number is better)."""
        better = self.best is None or (value > self.best if higher_is_better else value < self.best)
        improved = better or (self.best is not None and math.isnan(self.best) and not math.isnan(value))
        if improved:
            self.best, self.best_epoch, self.epochs_since_best, self.epochs_since_cut = value, epoch, 0, 0
        else:
            self.epochs_since_best += 1
            self.epochs_since_cut += 1
            if config.decay == "plateau" and self.epochs_since_cut >= config.plateau_patience:
                self.plateau_factor *= 0.5
                self.epochs_since_cut = 0
        return improved

    def should_stop(self, config: TrainingConfig) -> bool:
        """True when validation has not improved for `early_stopping_patience` epochs."""
        return 0 < config.early_stopping_patience <= self.epochs_since_best

    def as_json(self) -> dict:
        return asdict(self)
