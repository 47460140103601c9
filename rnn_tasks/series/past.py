"""What a user hands in to have a series forecast: its past, and what is known ahead, as a prepared series has them."""

from __future__ import annotations

import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.series.config import EMBEDDED, NO_DATES, SeriesConfig, names_of
from rnn_tasks.series.form import SeriesForm
from rnn_tasks.series.layout import Opener, find_layout
from rnn_tasks.series.reading import read_rows
from rnn_tasks.series.regular import Regular, regular
from rnn_tasks.series.windows import PreparedSeries

EXAMPLE = "example.csv"


def read_past(open_text: Opener, name: str, config: SeriesConfig, form: SeriesForm) -> Regular:
    """A table as a series with the columns and the steps that a model was trained on.

    Args:
        open_text: opens the table.
        name: names it in errors.
        config: how the training data was read; dates and numbers may be written otherwise here.
        form: of the training data.

    Raises:
        UserError: other columns, other steps, or too short a past.
    """
    changes = {"start": "", "end": "", "date_order": config.date_order}
    if config.source in EMBEDDED:
        changes["targets"] = ",".join(form.targets)
    else:
        changes |= {"targets": ",".join(form.targets), "covariates": ",".join(form.covariates)}
    if form.clock.kind == "steps":
        changes["date_column"] = NO_DATES
    elif not set(names_of(config.date_column)) <= set(find_layout(open_text, name).columns):
        changes["date_column"] = ""  # dates may stand in another column than they did in training
    rows = read_rows(open_text, name, config.model_copy(update=changes))
    series = regular(rows, config.model_copy(update=changes), None if form.clock.kind == "steps" else form.clock)
    if len(series) < form.history:
        raise UserError(
            f"{name}: found {len(series):,} steps of a {form.clock}; accepted are {form.history:,} at least, "
            "which the model looks back"
        )
    return series


def known_ahead(series: Regular, name: str, form: SeriesForm, steps: int) -> np.ndarray:
    """What is known of the window and of the steps ahead, (window + steps, features) float32.

    Raises:
        UserError: the table ends before what has to be known ahead.
    """
    end, wanted = len(series), len(series) + steps
    if (form.known or form.categories) and len(series.known) < wanted:
        columns = ", ".join((*form.known, *form.categories))
        raise UserError(
            f"{name}: {columns} must be known {steps} steps ahead; found {len(series.known) - end} rows behind the "
            f"last value; accepted are {steps}, with empty targets"
        )
    start = end - form.window
    numbers = np.zeros((form.window + steps, len(form.known)))
    if form.known:
        numbers = series.known[start:wanted]
    texts = {column: series.texts[column][start:wanted] for column in form.categories}
    return form.model_copy(update={"clock": series.clock}).known_features(start, numbers, texts)


def example_table(data: PreparedSeries, config: SeriesConfig) -> str:
    """The last steps before the test split as a table that `read_past` takes, with what has to be known ahead."""
    form = data.form
    end = form.test_start
    start, ahead = max(0, end - form.history - 1), form.horizon if form.known or form.categories else 0
    comma = config.decimal == "comma"
    separator = ";" if comma else ","
    has_dates = form.clock.kind != "steps"
    lines = [[*(["date"] if has_dates else []), *form.targets, *form.covariates, *form.known, *form.categories]]
    for step, label in enumerate(form.clock.labels(np.arange(start, end + ahead)), start):
        values = data.raw[step] if step < end else np.full(len(form.mean), np.nan)
        numbers = ["" if np.isnan(value) else f"{value:.10g}" for value in (*values, *data.known_numbers(step))]
        if comma:
            numbers = [number.replace(".", ",") for number in numbers]
        lines.append([*([label] if has_dates else []), *numbers, *data.known_texts(step)])
    return "".join(separator.join(_quoted(cell, separator) for cell in line) + "\n" for line in lines)


def _quoted(cell: str, separator: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if separator in cell or '"' in cell else cell
