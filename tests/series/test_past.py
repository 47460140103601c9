"""A user's table beside the series that a model was trained on: the same columns, kinds and steps, however written."""

import io

import numpy as np
import pandas as pd
import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.series import PreparedSeries, SeriesConfig, example_table, known_ahead, prepare_series, read_past

STEPS = 80


def frame(**columns):
    steps = np.arange(STEPS)
    dates = pd.date_range("2001-01-01", periods=STEPS).strftime("%Y-%m-%d")
    return pd.DataFrame({"date": dates, "x": steps % 7 + 0.5, "y": steps % 5, **columns})


def trained(table, directory, header=True, **settings):
    """The prepared series of a table, and the config."""
    table.to_csv(directory / "a.csv", index=False, header=header)
    config = SeriesConfig(source=str(directory / "a.csv"), window=10, horizon=3, season=1, **settings)
    prepare_series(config, directory)
    return PreparedSeries(directory), config


def read(text, data, config):
    """A text's past, and what it knows ahead."""
    past = read_past(lambda: io.StringIO(text, newline=""), "mine.csv", config, data.form)
    return past, known_ahead(past, "mine.csv", data.form, data.form.horizon)


KINDS = np.where(np.arange(STEPS) % 7 == 6, "2", np.where(np.arange(STEPS) == 3, "holiday", "1"))
PRICES = np.arange(STEPS) % 3 * 1.25
LAYOUTS = {
    "text": (frame(kind=KINDS), {"targets": "x", "known": "kind"}),
    "numbers": (frame(price=PRICES), {"targets": "x", "known": "price"}),
    "both, and a covariate": (
        frame(kind=KINDS, price=PRICES),
        {"targets": "x", "covariates": "y", "known": "kind,price"},
    ),
    "columns by number": (frame(kind=KINDS, price=PRICES), {"targets": "3", "covariates": "2", "known": "5,4"}),
    "decimal commas": (frame(price=PRICES), {"targets": "x", "known": "price"}),
    "no dates": (frame(price=PRICES), {"targets": "x", "known": "price", "date_column": "none"}),
    "names with commas": (frame().rename(columns={"x": "sales, net", "y": 'a "b", c'}), {}),
    "names that are numbers": (frame().rename(columns={"x": "7", "y": "8"}), {"targets": "7", "known": "8"}),
    "numbers, no dates": (frame().rename(columns={"x": "7"}), {"targets": "7", "date_column": "none"}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("header", [True, False])
def test_the_example_is_the_series(layout, header, tmp_path):
    table, settings = LAYOUTS[layout]
    settings = dict(settings)
    if not header:
        for role in {"targets", "covariates", "known"} & set(settings):
            names = settings[role].split(",")
            places = [str(table.columns.get_loc(name) + 1) if name in table.columns else name for name in names]
            settings[role] = ",".join(places)
    if layout == "decimal commas":
        settings["decimal"] = "comma"
        table = table.astype({"x": str, "price": str}).replace(r"\.", ",", regex=True)
    data, config = trained(table, tmp_path, header, **settings)
    assert data.form.has_header == header
    past, known = read(example_table(data, config), data, config)
    end, start = data.form.test_start, data.form.test_start - len(past)
    np.testing.assert_allclose(past.values, data.raw[start:end], rtol=1e-6)
    np.testing.assert_allclose(known, data.known[end - 10 : end + 3], rtol=1e-5, atol=1e-6)
    if data.form.clock.kind != "steps":
        assert past.clock.labels(np.arange(1)) == data.form.clock.labels(np.array([start]))


def test_a_column_keeps_its_kind(tmp_path):
    """Ordinary days alone look like numbers; in training there was a holiday."""
    data, config = trained(frame(kind=KINDS), tmp_path, targets="x", known="kind")
    assert data.form.categories == {"kind": ["1", "2", "holiday"]}
    table = frame(kind=KINDS).iloc[10:30].copy()
    table.loc[25:, ["x", "y"]] = np.nan
    past, known = read(table.to_csv(index=False), data, config)
    assert len(past) == 15
    np.testing.assert_array_equal(known[:, :3].argmax(axis=1), KINDS[15:28] == "2")
    other, config = trained(frame(price=PRICES), tmp_path, targets="x", known="price")
    with pytest.raises(UserError, match=r"mine\.csv, line 4, column price: 'free' is no number"):
        read(frame(price=["1", "2", "free", *["1"] * (STEPS - 3)]).to_csv(index=False), other, config)


def test_columns_may_stand_in_another_order(tmp_path):
    data, config = trained(frame(kind=KINDS), tmp_path, targets="2", known="4")
    table = frame(kind=KINDS)[["kind", "y", "date", "x"]]
    table.loc[70:, "x"] = np.nan
    past, known = read(table.to_csv(index=False), data, config)
    np.testing.assert_array_equal(past.values[:, 0], table["x"][:70])
    np.testing.assert_array_equal(known[:, :3].argmax(axis=1), KINDS[60:73] == "2")


def test_what_is_missing_behind_the_last_value_is_not_known(tmp_path):
    data, config = trained(frame(kind=KINDS, price=PRICES), tmp_path, targets="x", known="kind,price")
    table = frame(kind=KINDS, price=PRICES)
    table.loc[70:, "x"] = np.nan
    table.loc[72:, "price"] = np.nan
    with pytest.raises(UserError, match=r"price, kind must be known 3 steps ahead; found 2 rows behind the last value"):
        read(table.to_csv(index=False), data, config)
