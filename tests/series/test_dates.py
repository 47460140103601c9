"""Dates as people write them, and the clocks that they keep."""

import numpy as np
import pandas as pd
import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.series.clock import Clock, find_clock
from rnn_tasks.series.dates import most_regular, possible_formats


def read(*cells, order="auto"):
    """The dates of cells in the only format that they may have."""
    (found,) = possible_formats(cells, order)
    return found.parse(pd.Series(cells, dtype=str)).astype(str).tolist()


@pytest.mark.parametrize(
    ("cell", "date"),
    [
        ("2001-12-31", "2001-12-31T00:00:00"),
        ("2001-12-31 23:00", "2001-12-31T23:00:00"),
        ("2001-12-31T23:00:00Z", "2001-12-31T23:00:00"),
        ("2001-12-31T23:00:00+02:00", "2001-12-31T21:00:00"),
        ("2001-12", "2001-12-01T00:00:00"),
        ("2001", "2001-01-01T00:00:00"),
        ("20011231", "2001-12-31T00:00:00"),
        ("12/31/2001", "2001-12-31T00:00:00"),
        ("12/31/2001 11:00:00 PM", "2001-12-31T23:00:00"),
        ("31/12/2001 23:30", "2001-12-31T23:30:00"),
        ("31.12.2001", "2001-12-31T00:00:00"),
        ("31.12.01", "2001-12-31T00:00:00"),
        ("2001/12/31", "2001-12-31T00:00:00"),
        ("31-Dec-2001", "2001-12-31T00:00:00"),
        ("Dec 31, 2001", "2001-12-31T00:00:00"),
        ("December 2001", "2001-12-01T00:00:00"),
        ("2001 12", "2001-12-01T00:00:00"),
        ("2001Q4", "2001-10-01T00:00:00"),
        ("2001-W02", "2001-01-08T00:00:00"),
        ("1009839600", "2001-12-31T23:00:00"),
        ("1009839600000", "2001-12-31T23:00:00"),
    ],
)
def test_a_date_is_read(cell, date):
    assert read(cell) == [date]


@pytest.mark.parametrize("cells", [["12.5"], ["words"], ["12/31/2001", "31/12/2001"], [], ["17"]])
def test_what_is_no_column_of_dates(cells):
    assert possible_formats(cells) == []


def test_an_order_that_is_open_is_decided_by_even_steps():
    """Read as months the dates are a month apart; read as days they jump at the end of a year."""
    cells = [f"01/{month:02}/{year}" for year in (2001, 2002) for month in range(1, 13)]
    month_first, day_first = possible_formats(cells)
    assert (month_first.order, day_first.order) == ("month_first", "day_first")
    readings = [one.parse(pd.Series(cells)) for one in (month_first, day_first)]
    assert most_regular(readings) == 1
    assert most_regular([readings[0], readings[0]]) is None
    assert possible_formats(cells, "day_first") == [day_first]


def dates(start, count, frequency):
    return pd.date_range(start, periods=count, freq=frequency).to_numpy().astype("datetime64[s]")


@pytest.mark.parametrize(
    ("frequency", "name", "seasons"),
    [
        ("h", "hour", [24, 168]),
        ("30min", "30 minutes", [48, 336]),
        ("D", "day", [7]),
        ("W", "week", [52]),
        ("MS", "month", [12]),
        ("ME", "month", [12]),
        ("QS", "quarter", [4]),
        ("YS", "year", []),
        ("B", "working day", [5]),
        ("7s", "7 seconds", [86_400]),
    ],
)
def test_clocks_are_found_and_turn_back(frequency, name, seasons):
    given = dates("2000-02-29" if frequency == "ME" else "2000-03-01", 60, frequency)
    clock = find_clock(given, np.arange(60), "mine.csv")
    assert str(clock) == name
    assert clock.seasons() == seasons
    np.testing.assert_array_equal(clock.positions(given), np.arange(60))
    np.testing.assert_array_equal(clock.dates(np.arange(60)), given)
    assert Clock.model_validate_json(clock.model_dump_json()) == clock


def test_gaps_do_not_hide_the_clock_and_a_date_between_steps_is_told():
    given = np.delete(dates("2001-01-01", 50, "D"), [7, 8, 30])
    clock = find_clock(given, np.arange(47), "mine.csv")
    assert str(clock) == "day"
    assert clock.positions(given[-1:]) == [49]
    uneven = np.append(given, given[-1] + np.timedelta64(5, "h"))
    with pytest.raises(UserError, match=r"mine\.csv, line 47: 2001-02-19 05:00:00 lies between two steps"):
        find_clock(uneven, np.arange(48), "mine.csv")


def test_a_setting_names_the_first_step_not_before_it():
    clock = Clock(kind="seconds", every=86_400, start="2001-01-01")
    assert clock.position_of("2001-01-11", "data.test_start") == 10
    assert clock.position_of("2001-01-11 06:00", "data.test_start") == 11
    assert Clock(kind="steps").position_of("17", "data.test_start") == 17
    with pytest.raises(UserError, match="data.test_start: 'soon' is no date"):
        clock.position_of("soon", "data.test_start")


@pytest.mark.parametrize("frequency", ["B", "MS", "ME", "QS", "YS", "W", "h"])
def test_a_date_far_from_the_start_is_found_on_every_clock(frequency):
    given = dates("2015-01-05", 700, frequency)
    clock = find_clock(given, np.arange(700), "mine.csv")
    for step in (0, 1, 2, 299, 300, 699):
        assert clock.position_of(str(given[step]), "data.test_start") == step
    for step in (1, 300, 699):
        early = str(given[step] - np.timedelta64(1, "s"))
        assert clock.position_of(early, "data.test_start") == step
    assert clock.position_of(str(given[0] - np.timedelta64(3_000, "D")), "data.test_start") < 0


def test_a_date_among_working_days_by_hand():
    """From Monday 2015-01-05 to Monday 2018-01-01 there are 156 weeks."""
    clock = Clock(kind="working days", start="2015-01-05")
    assert clock.position_of("2018-01-01", "data.test_start") == 156 * 5
    assert clock.position_of("2017-12-30", "data.test_start") == 156 * 5  # a Saturday
