"""What an exported forecaster answers: forecasts of a user's table, and the series that it writes on by itself."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnn_tasks import export as exporting
from rnn_tasks import series
from rnn_tasks.errors import UserError
from rnn_tasks.line_stream import chunks
from rnn_tasks.shapes.forecast_config import ForecastOptions, SeriesGenerationOptions

logger = logging.getLogger(__name__)

SETTINGS, SEED_WINDOW = "settings.json", "seed_window.npy"


def predict(export_dir: Path, records: Iterable[series.SeriesTable], options: ForecastOptions) -> Iterator[str]:
    """Answer a table with a table: a header, then for each step ahead its date, forecasts and quantiles."""
    served, form, config, levels = _loaded(export_dir)
    for chunk in chunks(records, 1):
        for table in chunk:
            past = series.read_past(table.open, table.name, config, form)
            steps = options.steps or form.horizon
            if levels and 0 < form.difference < steps:
                raise UserError(
                    f"--steps {steps}: the intervals are those of changes over {form.difference} steps "
                    f"(data.difference); accepted are 1 to {form.difference}, or a model with model.output=point"
                )
            found = _written_on(served, form, past.values, steps, past, table.name)
            labels = past.clock.labels(np.arange(len(past), len(past) + steps))
            yield from _lines(form, levels, labels, found["forecast"][0, :steps], found["quantiles"][0, :steps])


def generate(export_dir: Path, options: SeriesGenerationOptions) -> Iterator[str]:
    """The series that the network writes on by itself from a seed window: a header, then a line a step."""
    served, form, config, _ = _loaded(export_dir)
    if form.covariates:
        raise UserError(f"--steps: the model reads {', '.join(form.covariates)}, which it does not forecast itself")
    past, name = None, options.seed_window
    if options.seed_window == "train":
        seed = np.load(export_dir / SEED_WINDOW)
    elif options.seed_window in ("zeros", "noise"):
        mean, deviation = np.array(form.mean), np.array(form.deviation)
        rng = np.random.default_rng(options.seed)
        drawn = rng.normal(size=(form.history, len(form.mean))) * (options.seed_window == "noise")
        seed = drawn * deviation + (0.0 if options.seed_window == "zeros" else mean)
    else:
        path = Path(options.seed_window)
        if not path.is_file():
            raise UserError(f"--seed-window: {path} does not exist; accepted are zeros, noise, train and a CSV file")
        past = series.read_past(series.opener_of(path), path.name, config, form)
        seed, name = past.values, path.name
    found = _written_on(served, form, seed, options.steps, past, name, options.noise, options.seed)
    written = found["forecast"][0, : options.steps]
    if options.figure:
        from rnn_tasks import plots

        plots.save_figure(plots.continuation(seed[-form.history :], written, form.targets), options.figure)
    start = len(past) if past is not None else form.validation_start if options.seed_window == "train" else 0
    clock = past.clock if past is not None else form.clock
    labels = clock.labels(np.arange(start, start + options.steps))
    yield from _lines(form, (), labels, written, np.empty((*written.shape, 0)))


def _written_on(
    served: Any,
    form: series.SeriesForm,
    values: np.ndarray,
    steps: int,
    past: Any = None,
    name: str = "",
    noise: float = 0.0,
    seed: int = 1,
) -> dict[str, np.ndarray]:
    """Forecasts (1, at least steps, …) of what follows `values` (time, columns), horizon after horizon."""
    blocks = -(-steps // form.horizon)
    if blocks > 1 and form.covariates:
        raise UserError(
            f"--steps {steps}: the model forecasts {form.horizon} steps from {', '.join(form.covariates)}, which are "
            f"not known beyond; accepted are 1 to {form.horizon}"
        )
    history = values[None, -form.history :].astype(np.float64)
    features: list[np.ndarray] = []
    if form.known_width:
        if past is not None:
            ahead = series.known_ahead(past, name, form, blocks * form.horizon if not _needs_columns(form) else steps)
        elif _needs_columns(form):
            raise UserError(
                f"--seed-window {name}: {', '.join((*form.known, *form.categories))} must be known ahead; accepted is "
                "a CSV file that has it"
            )
        else:
            start = form.validation_start - form.window
            ahead = form.known_features(start, np.zeros((form.window + blocks * form.horizon, 0)), {})
        missing = form.window + blocks * form.horizon - len(ahead)  # the last block is cut after `steps`
        features.append(np.concatenate([ahead, np.repeat(ahead[-1:], missing, axis=0)])[None])
    if blocks == 1 and not noise:
        found = served.serve(history, *features)
    else:
        if past is not None and blocks > 1:
            logger.warning("beyond %d steps, forecasts are made from forecasts", form.horizon)
        found = served.write_on(history, np.int32(blocks), np.float32(noise), np.int32(seed), *features)
    return {key: np.asarray(value) for key, value in found.items()}


def _needs_columns(form: series.SeriesForm) -> bool:
    return bool(form.known or form.categories)


def _lines(
    form: series.SeriesForm,
    levels: Sequence[float],
    labels: Sequence[str],
    forecast: np.ndarray,
    quantiles: np.ndarray,
) -> Iterator[str]:
    """CSV: a header and a line a step."""
    one = len(form.targets) == 1
    header = ["step" if form.clock.kind == "steps" else "date"]
    for name in form.targets:
        header += ["forecast" if one else name, *(f"q{level:g}" if one else f"{name}_q{level:g}" for level in levels)]
    yield _line(header)
    for label, values, spread in zip(labels, forecast, quantiles, strict=True):
        cells = [number for value, row in zip(values, spread, strict=True) for number in (value, *row)]
        yield _line([label, *(f"{cell:.8g}" for cell in cells)])


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue()


def _loaded(export_dir: Path) -> tuple[Any, series.SeriesForm, series.SeriesConfig, list[float]]:
    settings = json.loads((export_dir / SETTINGS).read_bytes())
    config = series.SeriesConfig.model_validate(settings["data"])
    return exporting.load_endpoints(export_dir), series.SeriesForm.load(export_dir), config, settings["levels"]
