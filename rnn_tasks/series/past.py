"""A user's input for a forecast: the past of a series and the values known ahead, in the form of a prepared series."""

from __future__ import annotations

import csv
import io

import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.series.columns import Roles
from rnn_tasks.series.config import NO_DATES, SeriesConfig, names_of
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
        name: of the table, for errors.
        config: how the training data was read; here, dates and numbers may have another form.
        form: of the training data.

    Raises:
        UserError: other columns, other steps, or too short a past.
    """
    changes = {"start": "", "end": ""}
    roles = Roles(form.targets, form.covariates, form.known, list(form.categories), form.has_header)
    if form.clock.kind == "steps":
        changes["date_column"] = NO_DATES
    elif not set(names_of(config.date_column)) <= set(find_layout(open_text, name).columns):
        changes["date_column"] = ""  # dates may be in another column than in training
    config = config.model_copy(update=changes)
    rows = read_rows(open_text, name, config, roles)
    series = regular(rows, config, None if form.clock.kind == "steps" else form.clock)
    if len(series) < form.history:
        raise UserError(
            f"{name}: found {len(series):,} steps of a {form.clock}; accepted are {form.history:,} at least, "
            "which the model looks back"
        )
    return series


def known_ahead(series: Regular, name: str, form: SeriesForm, steps: int) -> np.ndarray:
    """The features known ahead, for the window and for the steps ahead, (window + steps, features) float32.

    Raises:
        UserError: the table ends before the last step that must be known ahead.
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
    """The last steps before the test split, with the values known ahead, as a table for `read_past`."""
    form = data.form
    end = form.test_start
    start, ahead = max(0, end - form.history - 1), form.horizon if form.known or form.categories else 0
    comma = config.decimal == "comma"
    has_dates = form.clock.kind != "steps"
    names = [*form.targets, *form.covariates, *form.known, *form.categories]
    places = range(len(names)) if has_dates or form.has_header else [int(name) - 1 for name in names]
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";" if comma else ",", lineterminator="\n")
    if has_dates or form.has_header:
        writer.writerow([*(["date"] if has_dates else []), *names])
    for step, label in enumerate(form.clock.labels(np.arange(start, end + ahead)), start):
        values = data.raw[step] if step < end else np.full(len(form.mean), np.nan)
        numbers = ["" if np.isnan(value) else f"{value:.10g}" for value in (*values, *data.known_numbers(step))]
        if comma:
            numbers = [number.replace(".", ",") for number in numbers]
        row = [""] * (max(places) + 1)
        for place, cell in zip(places, [*numbers, *data.known_texts(step)], strict=True):
            row[place] = cell
        writer.writerow([*([label] if has_dates else []), *row])
    return written.getvalue()
