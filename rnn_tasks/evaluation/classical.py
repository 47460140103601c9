"""Classical forecasts by statsmodels: exponential smoothing and ARIMA, fitted on training, rolled over the test split's
origins.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from rnn_tasks import activity

logger = logging.getLogger(__name__)

FITTED = 1_500  # parameters are fitted on this many last steps of training
REPEATED = 24  # longest season that ARIMA itself models; for a longer one, seasonal differences are modelled


class NotFitted(Exception):
    """A method has no forecasts of a series; the message says why."""


def ets_forecasts(series: np.ndarray, train_end: int, origins: Sequence[int], horizon: int, season: int) -> np.ndarray:
    """Exponential smoothing with a damped trend, and a season where there is one (Hyndman et al. 2008).

    Args:
        series: (steps,).
        train_end: parameters are fitted on the steps before this one.
        origins: steps at which forecasts begin; each forecast uses all steps before its origin.
        horizon: steps ahead.
        season: steps; 1 means no season.

    Returns:
        (origins, horizon).

    Raises:
        NotFitted: the series is too short, or the method cannot be fitted to it.
    """
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    seasonal = season > 1 and train_end >= 2 * season + 10

    def model(values: np.ndarray):
        kind = {"seasonal": "add", "seasonal_periods": season} if seasonal else {}
        return ETSModel(values, error="add", trend="add", damped_trend=True, initialization_method="heuristic", **kind)

    start = max(0, train_end - max(FITTED, 4 * season))
    values, scale = _scaled(series, start, train_end)
    with _fitting():
        fitted = model(values[start:train_end]).fit(disp=False, maxiter=100).params

        def forecast(origin: int) -> np.ndarray:
            return np.asarray(model(values[start:origin]).smooth(fitted).forecast(horizon))

        return _rolled("ETS", forecast, origins) * scale


def arima_forecasts(
    series: np.ndarray, train_end: int, origins: Sequence[int], horizon: int, season: int
) -> np.ndarray:
    """Seasonal ARIMA: (2, 0, 1) with (0, 1, 1) of the season; (2, 1, 1) without one. Arguments as in `ets_forecasts`.

    For a long season, seasonal differences are taken first, and the season's moving average is left out: it would need
    one state for each step of the season.
    """
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    seasonal = season > 1 and train_end >= 2 * season + 10
    inside = seasonal and season <= REPEATED
    start = max(0, train_end - max(FITTED, 4 * season))
    values, scale = _scaled(series, start, train_end)
    changes = values
    if seasonal and not inside:
        changes = np.concatenate([np.zeros(season), values[season:] - values[:-season]])
        start = max(start, season)
    order: dict[str, tuple[int, ...]] = {"order": (2, 0, 1) if seasonal else (2, 1, 1)}
    if inside:
        order["seasonal_order"] = (0, 1, 1, season)
    options: dict[str, Any] = {**order, "enforce_stationarity": False, "enforce_invertibility": False}
    with _fitting():
        fitted = SARIMAX(changes[start:train_end], **options).fit(disp=False, maxiter=50)

        def forecast(origin: int) -> np.ndarray:
            known = changes[max(start, origin - FITTED) : origin]
            ahead = np.asarray(fitted.apply(known).forecast(horizon))
            if not seasonal or inside:
                return ahead
            past = values[origin - season : origin]
            for step in range(horizon):
                ahead[step] += past[step] if step < season else ahead[step - season]
            return ahead

        return _rolled("ARIMA", forecast, origins) * scale


def _scaled(series: np.ndarray, start: int, end: int) -> tuple[np.ndarray, float]:
    """The series in units of its deviation, because optimisers fail on values in the millions."""
    scale = float(series[start:end].std()) or 1.0
    return series / scale, scale


@contextmanager
def _fitting() -> Iterator[None]:
    """Turn the various errors of statsmodels into `NotFitted`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ArithmeticError, LookupError, ValueError, np.linalg.LinAlgError) as error:
        raise NotFitted(" ".join(str(error).split())) from error


def _rolled(name: str, forecast: Callable[[int], np.ndarray], origins: Sequence[int]) -> np.ndarray:
    found = np.stack([forecast(int(origin)) for origin in activity.each(f"{name}, forecast", origins)])
    if not np.isfinite(found).all():
        raise ValueError("its forecasts are no numbers")
    return found
