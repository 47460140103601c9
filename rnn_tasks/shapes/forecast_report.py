"""The report of a task that forecasts: errors beside those of naive and classical methods, tables, figures."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks import activity, evaluation, plots
from rnn_tasks.evaluation import Forecasts
from rnn_tasks.shapes.forecast_config import ForecastEvaluationConfig
from rnn_tasks.task import Metric, Report, Trained

if TYPE_CHECKING:
    from rnn_tasks.series import PreparedSeries

logger = logging.getLogger(__name__)

OURS, NAIVE, SEASONAL = "forecast", "naive", "seasonal naive"
SAMPLES = 50
PANELS = 3


@dataclass(frozen=True)
class JudgedForecasts:
    """What a model forecast of the test split.

    Attributes:
        data: the prepared series.
        origins: (origins,) steps at which forecasts begin.
        forecast: (origins, horizon, targets).
        quantiles: (origins, horizon, targets, levels).
        levels: of the quantiles.
    """

    data: PreparedSeries
    origins: np.ndarray
    forecast: np.ndarray
    quantiles: np.ndarray
    levels: Sequence[float]

    @property
    def forecasts(self) -> Forecasts:
        """The true values of what was forecast."""
        truth = np.asarray(self.data.future(self.origins))
        return Forecasts(truth, np.asarray(self.data.seen(self.origins)), np.array(self.data.form.scales))


def forecast_report(
    judged: JudgedForecasts, config: ForecastEvaluationConfig, trained: Trained, out_dir: Path
) -> Report:
    """What the test split says.

    Args:
        judged: the forecasts.
        config: also says how many of these forecasts the slow methods make.
        trained: its learning curves are drawn.
        out_dir: where tables and figures go.
    """
    form, truth = judged.data.form, judged.forecasts
    history = judged.data.history(judged.origins, min(max(form.season, 1), int(judged.origins[0])))
    history = history[..., : len(form.targets)]
    season = min(form.season, history.shape[1])
    methods = {
        OURS: judged.forecast,
        NAIVE: evaluation.naive_forecasts(history, form.horizon, 1),
        SEASONAL: evaluation.naive_forecasts(history, form.horizon, season),
    }
    few, chosen, columns = _classical(judged, methods, config)
    tables = {"methods": evaluation.error_rows(truth, methods)}
    if len(few) > len(methods):
        of_few = truth.of_origins(chosen).of_targets(columns)
        tables["methods_on_classical_origins"] = evaluation.error_rows(of_few, few)
    tables["by_step_ahead"] = _by_step(truth, methods)
    tables["backtest"] = _backtest(judged, truth, methods, config.backtest_windows)
    if len(form.targets) > 1:
        tables["by_series"] = _by_series(judged, truth, methods)
    figures = {
        "learning_curves": plots.learning_curves(evaluation.read_history(trained.history)),
        "forecasts": _figure(judged, methods, few, chosen, columns),
        "error_by_step": plots.error_by_horizon({n: truth.by_step(f) for n, f in methods.items()}, "MASE"),
        "residuals": _residuals(judged, truth),
    }
    return Report(
        metrics=tuple(_metrics(judged, truth, methods, few, chosen, columns)),
        samples=evaluation.write_table(out_dir / "samples.tsv", *_samples(judged, truth, methods)),
        tables={n: evaluation.write_table(out_dir / f"{n}.tsv", rows[0], rows[1:]) for n, rows in tables.items()},
        figures={name: plots.save_figure(figure, out_dir / f"{name}.png") for name, figure in figures.items()},
        notes={"season": str(form.season), "test origins": str(len(judged.origins)), **form.said},
    )


def _metrics(
    judged: JudgedForecasts,
    truth: Forecasts,
    methods: Mapping[str, np.ndarray],
    few: Mapping[str, np.ndarray],
    chosen: np.ndarray,
    columns: Sequence[int],
) -> Iterator[Metric]:
    """Ours beside the seasonal naive; ETS and ARIMA, each beside ours on the same forecasts."""
    units = {"smape": "%"}
    ours, seasonal = truth.errors(methods[OURS]), truth.errors(methods[SEASONAL])
    for name in ("mase", "mae", "rmse", "mse", "smape"):
        yield _metric(name, ours[name], seasonal[name], units.get(name, ""))
    if judged.levels:
        repeated = np.repeat(methods[SEASONAL][..., None], len(judged.levels), axis=-1)
        spread, none = truth.spread(judged.quantiles, judged.levels), truth.spread(repeated, judged.levels)
        yield _metric("pinball", spread["pinball"], none["pinball"])
        yield _metric("crps", spread["crps"], none["crps"])
        share = f"test_coverage_{round(100 * (judged.levels[-1] - judged.levels[0]))}"
        yield Metric(name=share, value=spread["coverage"])
    yield _metric("naive_mase", truth.errors(methods[NAIVE])["mase"])
    if len(few) > len(methods):
        of_few = truth.of_origins(chosen).of_targets(columns)
        for name, forecast in few.items():
            if name not in methods:
                yield _metric(f"{name.lower()}_mase", of_few.errors(forecast)["mase"])
        yield _metric("mase_beside_them", of_few.errors(few[OURS])["mase"], of_few.errors(few[SEASONAL])["mase"])


def _metric(name: str, value: float, baseline: float | None = None, unit: str = "") -> Metric:
    return Metric(name=f"test_{name}", value=value, unit=unit, higher_is_better=False, baseline=baseline)


def _classical(
    judged: JudgedForecasts, methods: Mapping[str, np.ndarray], config: ForecastEvaluationConfig
) -> tuple[dict[str, np.ndarray], np.ndarray, list[int]]:
    """All methods' forecasts at the origins and targets that ETS and ARIMA forecast; these origins and targets."""
    form = judged.data.form
    count = min(config.classical_origins, len(judged.origins))
    chosen = np.unique(np.linspace(0, len(judged.origins) - 1, max(count, 1)).round().astype(int))
    columns = list(range(min(len(form.targets), config.classical_targets)))
    few = {name: forecast[chosen][..., columns] for name, forecast in methods.items()}
    if not count:
        return few, chosen, columns
    origins = judged.origins[chosen].tolist()
    for name, method in (("ETS", evaluation.ets_forecasts), ("ARIMA", evaluation.arima_forecasts)):
        found = []
        for column in columns:
            with activity.doing(f"fitting {name} to {form.targets[column]}"):
                values = np.asarray(judged.data.raw[: max(origins) + 1, column], np.float64)
                try:
                    found.append(method(values, form.validation_start, origins, form.horizon, form.season))
                except evaluation.NotFitted as error:  # the run goes on without this method
                    logger.warning("%s is left out: not fitted to %s (%s)", name, form.targets[column], error)
                    break
        else:
            few[name] = np.stack(found, axis=-1)
    return few, chosen, columns


def _by_step(truth: Forecasts, methods: Mapping[str, np.ndarray]) -> list[tuple]:
    errors = [truth.by_step(forecast).tolist() for forecast in methods.values()]
    return [
        ("steps ahead", *(f"{name} mase" for name in methods)),
        *zip(range(1, len(errors[0]) + 1), *errors, strict=True),
    ]


def _by_series(judged: JudgedForecasts, truth: Forecasts, methods: Mapping[str, np.ndarray]) -> list[tuple]:
    rows: list[tuple] = [("series", "mae", "seasonal naive mae", "mase", "seasonal naive mase")]
    for number, name in enumerate(judged.data.form.targets):
        one = truth.of_targets([number])
        ours, theirs = (one.errors(methods[method][..., [number]]) for method in (OURS, SEASONAL))
        rows.append((name, ours["mae"], theirs["mae"], ours["mase"], theirs["mase"]))
    return rows


def _backtest(
    judged: JudgedForecasts, truth: Forecasts, methods: Mapping[str, np.ndarray], windows: int
) -> list[tuple]:
    """Errors of each span of the test split in turn; the model is not trained again while the origin rolls on."""
    rows: list[tuple] = [
        ("from", "forecasts", "mase", "naive mase", "seasonal naive mase", "mae", "seasonal naive mae")
    ]
    for part in np.array_split(np.arange(len(judged.origins)), min(windows, len(judged.origins))):
        one = truth.of_origins(part)
        if not one.seen.any():
            continue
        errors = {name: one.errors(forecast[part]) for name, forecast in methods.items()}
        start = judged.data.form.clock.labels(judged.origins[part[:1]])[0]
        mases = (errors[name]["mase"] for name in (OURS, NAIVE, SEASONAL))
        rows.append((start, len(part), *mases, errors[OURS]["mae"], errors[SEASONAL]["mae"]))
    return rows


def _samples(
    judged: JudgedForecasts, truth: Forecasts, methods: Mapping[str, np.ndarray]
) -> tuple[list[str], list[list[Any]]]:
    """Header and rows: evenly spaced origins, the first and the last step ahead of each."""
    form = judged.data.form
    outer = [0, len(judged.levels) - 1] if judged.levels else []
    series = ["series"] if len(form.targets) > 1 else []
    header = ["date", "ahead", *series, "truth", "forecast", *(f"q{judged.levels[i]:g}" for i in outer)]
    rows: list[list[Any]] = []
    ahead = sorted({0, form.horizon - 1})
    shown = max(1, SAMPLES // (len(ahead) * len(form.targets)))
    for i in np.unique(np.linspace(0, len(judged.origins) - 1, min(shown, len(judged.origins))).round().astype(int)):
        for step, date in zip(ahead, form.clock.labels(judged.origins[i] + np.array(ahead)), strict=True):
            for target, name in enumerate(form.targets):
                place = i, step, target
                quantiles = judged.quantiles[place][outer]
                values = truth.truth[place], judged.forecast[place], *quantiles, methods[SEASONAL][place]
                of_series = [name] if series else []
                rows.append([date, step + 1, *of_series, *(f"{value:.5g}" for value in values)])
    return [*header, "seasonal naive"], rows


def _figure(
    judged: JudgedForecasts,
    methods: Mapping[str, np.ndarray],
    few: Mapping[str, np.ndarray],
    chosen: np.ndarray,
    columns: Sequence[int],
):
    """The first target at origins that all methods forecast: near the beginning, the middle and the end."""
    form = judged.data.form
    share = f"{round(100 * (judged.levels[-1] - judged.levels[0]))} % interval" if judged.levels else ""
    if form.horizon == 1:
        return plots.forecasts(_one_step_panels(judged, methods), share)
    places = np.unique(np.linspace(0, len(chosen) - 1, min(PANELS, len(chosen))).round().astype(int))
    panels = []
    for place in places:
        row = chosen[place]
        origin = int(judged.origins[row])
        before = min(origin, max(2 * form.horizon, min(2 * form.season, 4 * form.horizon), 20))
        steps = np.arange(origin - before, origin + form.horizon)
        axis = form.clock.axis(steps)
        others = {name: forecast[place, :, 0] for name, forecast in few.items() if name not in (OURS, NAIVE)}
        panels.append(
            plots.ForecastPanel(
                title=f"{form.targets[0]} from {form.clock.labels(np.array([origin]))[0]}",
                steps=axis,
                truth=np.asarray(judged.data.raw[steps, 0]),
                ahead=axis[before:],
                forecast=judged.forecast[row, :, 0],
                quantiles=judged.quantiles[row, :, 0],
                others=others,
            )
        )
    return plots.forecasts(panels, share)


def _one_step_panels(judged: JudgedForecasts, methods: Mapping[str, np.ndarray]) -> list[plots.ForecastPanel]:
    """Forecasts of one step, from one origin after the other: the first ones, those in the middle, the last ones."""
    form, count = judged.data.form, len(judged.origins)
    shown = min(max(30, min(6 * form.season, 90)), count)
    panels = []
    for start in sorted({0, (count - shown) // 2, count - shown}) if count >= PANELS * shown else [count - shown]:
        rows = slice(start, start + shown)
        steps = judged.origins[rows]
        axis = form.clock.axis(steps)
        panels.append(
            plots.ForecastPanel(
                title=f"{form.targets[0]}, each step from the one before",
                steps=axis,
                truth=np.asarray(judged.data.raw[steps, 0]),
                ahead=axis,
                forecast=judged.forecast[rows, 0, 0],
                quantiles=judged.quantiles[rows, 0, 0],
                others={SEASONAL: methods[SEASONAL][rows, 0, 0]},
            )
        )
    return panels


def _residuals(judged: JudgedForecasts, truth: Forecasts):
    form = judged.data.form
    seen = truth.seen[:, 0, 0]
    chosen = np.flatnonzero(seen) if seen.any() else np.arange(len(seen))
    steps = judged.origins[chosen]
    errors = judged.forecast[chosen, 0, 0] - truth.truth[chosen, 0, 0]
    return plots.residuals(form.clock.axis(steps), errors, form.targets[0])
