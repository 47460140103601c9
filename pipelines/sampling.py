"""Optuna chooses what a sweep tries next, and ends trials that are behind the others.

A study is made anew for each trial from what MLflow keeps of the trials before, so that a sweep which was killed goes
on as if nothing had happened.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from pipelines import trial
from pipelines.search_space import Range, SearchSpace, Settings

if TYPE_CHECKING:
    from pipelines.sweep import Attempt

STARTUP_TRIALS = 5  # drawn at random, and never ended early
optuna.logging.set_verbosity(optuna.logging.WARNING)


def draw(
    space: SearchSpace,
    attempts: Sequence[Attempt],
    higher_is_better: bool,
    number: int,
    begun: Settings | None = None,
    curve: Sequence[float] = (),
) -> optuna.Trial:
    """The trial of this number, by the tree-structured Parzen estimator; a function of its arguments.

    Args:
        attempts: what was tried; those of this number and later ones are left out.
        higher_is_better: the direction of their figures.
        begun, curve: its settings, and the first seed's epochs, where these are known from before a kill.

    References:
        Bergstra et al. (2011), Algorithms for Hyper-Parameter Optimization, NeurIPS. The pruner is Optuna's median
        rule: a trial ends when its best value so far is worse than the median of the others at the same epoch.
    """
    varied: dict[str, Range | Sequence[Any]] = {**space.choices, **space.ranges}
    distributions = {key: _distribution(values) for key, values in varied.items()}
    study = optuna.create_study(
        direction="maximize" if higher_is_better else "minimize",
        sampler=optuna.samplers.TPESampler(seed=number, n_startup_trials=STARTUP_TRIALS),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS),
    )
    for before in range(1, number):
        if of_it := [each for each in attempts if each.number == before]:
            study.add_trial(_frozen(distributions, of_it))
    if begun:
        study.enqueue_trial(dict(begun))
    drawn = study.ask(distributions)
    for epoch, value in enumerate(curve):
        drawn.report(value, epoch)
    return drawn


def _distribution(values: Range | Sequence[Any]) -> BaseDistribution:
    if not isinstance(values, Range):
        return CategoricalDistribution(list(values))
    if isinstance(values.low, int) and isinstance(values.high, int):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _frozen(distributions: dict[str, BaseDistribution], attempts: Sequence[Attempt]) -> FrozenTrial:
    """A trial as Optuna keeps it: the mean of its seeds, and the first seed's curve."""
    figures = [each.figure for each in attempts if each.figure is not None]
    pruned = any(each.status == "pruned" for each in attempts)
    state = TrialState.PRUNED if pruned else TrialState.COMPLETE if figures else TrialState.FAIL
    return optuna.trial.create_trial(
        state=state,
        value=statistics.fmean(figures) if state == TrialState.COMPLETE else None,
        params=attempts[0].settings,
        distributions=distributions,
        intermediate_values=dict(enumerate(attempts[0].curve)) if state != TrialState.FAIL else {},
    )


class Pruner(keras.callbacks.Callback):
    """Ends a training that is behind the others.

    Raises:
        Pruned: after the epoch that showed it.
    """

    def __init__(self, drawn: optuna.Trial):
        super().__init__()
        self.drawn = drawn

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare this epoch's validation with the same epoch's of the others."""
        self.drawn.report(float((logs or {})[self.params["monitor"]]), epoch)
        if self.drawn.should_prune():
            raise trial.Pruned
