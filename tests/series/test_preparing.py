"""A series on disk: splits, scales, seasons, windows; memory stays bounded however long it is."""

import subprocess
import sys

import numpy as np
import pytest

from rnn_tasks import series
from rnn_tasks.errors import UserError
from rnn_tasks.series import PreparedSeries, SeriesConfig, WindowBatches, prepare_series
from rnn_tasks.series.season import find_season


def prepared(directory, **settings):
    directory.mkdir(exist_ok=True)
    prepare_series(SeriesConfig(**settings), directory)
    return PreparedSeries(directory)


def written(path, values, start="2001-01-01", frequency="D"):
    import pandas as pd

    dates = pd.date_range(start, periods=len(values), freq=frequency)
    pd.DataFrame({"date": dates, **{f"x{i}": column for i, column in enumerate(np.atleast_2d(values.T))}}).to_csv(
        path, index=False
    )
    return str(path)


def test_scales_and_seasons_come_from_training_alone(tmp_path):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(400, 1)) + 10 * (np.arange(400) % 7 == 0)[:, None]
    other = values.copy()
    other[290:] = 1e6  # neither validation nor test may be seen
    forms = []
    for name, one in (("a", values), ("b", other)):
        source = written(tmp_path / f"{name}.csv", one)
        forms.append(prepared(tmp_path / name, source=source, validation_start="2001-10-18", window=20, horizon=5).form)
    assert forms[0].validation_start == 290
    assert forms[0] == forms[1].model_copy(update={"source": "a.csv"})
    assert forms[0].season == 7
    train = values[:290]
    assert forms[0].mean == pytest.approx(train.mean(axis=0))
    assert forms[0].deviation == pytest.approx(train.std(axis=0))
    assert forms[0].scales == pytest.approx([np.abs(train[7:] - train[:-7]).mean()])


def test_splits_by_date_share_no_forecast(tmp_path):
    data = prepared(tmp_path / "p", steps=300, window=20, horizon=5, test_start="260", validation_start="200")
    assert data.origins("train") == range(20, 196)
    assert data.origins("val") == range(200, 256)
    assert data.origins("test") == range(260, 296)
    assert len(data.scored("test", 10)) == 10
    np.testing.assert_array_equal(data.scored("test", 10)[[0, -1]], [260, 295])


def test_windows_are_the_series(tmp_path):
    data = prepared(tmp_path / "p", steps=300, window=20, horizon=5)
    raw = np.asarray(data.raw[:, 0])
    scaled = (raw - data.form.mean[0]) / data.form.deviation[0]
    batch = data.batch(np.array([50, 200]))
    for row, origin in enumerate((50, 200)):
        np.testing.assert_allclose(batch["inputs"][row, :, 0], scaled[origin - 20 : origin], atol=1e-5)
        np.testing.assert_allclose(batch["targets"][row, :, 0], scaled[origin - 20 : origin + 5], atol=1e-5)
    np.testing.assert_array_equal(data.future(np.array([50]))[0, :, 0], raw[50:55])
    np.testing.assert_array_equal(data.history(np.array([50]), 3)[0, :, 0], raw[47:50])


def test_differences(tmp_path):
    data = prepared(tmp_path / "p", steps=300, window=20, horizon=5, difference=7)
    raw = np.asarray(data.raw[:, 0])
    changes = raw[7:] - raw[:-7]
    expected = (changes - changes[: data.form.validation_start - 7].mean()) / data.form.deviation[0]
    np.testing.assert_allclose(data.values[7:, 0], expected, atol=1e-5)
    assert data.origins("train").start == 27


def test_an_epoch_is_a_function_of_its_number_and_holds_every_window_once(tmp_path):
    data = prepared(tmp_path / "p", steps=300, window=20, horizon=5)
    batches = WindowBatches(data, 32, seed=3)
    first, again, other = (list(batches.epoch(number)) for number in (0, 0, 1))
    assert len(first) == len(batches)
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one["inputs"], same["inputs"])
    assert any(np.any(one["inputs"] != two["inputs"]) for one, two in zip(first, other, strict=True))
    ends = np.concatenate([batch["inputs"][batch["weights"] > 0, -1, 0] for batch in first])
    np.testing.assert_array_equal(np.sort(ends), np.sort(data.values[19 : data.form.validation_start - 5, 0]))
    few, many = (WindowBatches(data, 32, seed=3, most=most) for most in (50, 10_000))
    assert sum(batch["weights"].sum() for batch in few.epoch(0)) == 50
    assert sum(batch["weights"].sum() for batch in many.epoch(0)) == len(data.origins("train")) * (
        -(-10_000 // (10 * len(data.origins("train"))))
    )


def test_no_forecast_begins_in_a_gap_that_was_mended_from_what_follows(tmp_path):
    values = np.arange(400.0)[:, None] % 7
    values[380:383] = np.nan
    data = prepared(tmp_path / "p", source=written(tmp_path / "a.csv", values), window=20, horizon=5)
    origins = data.scored("test", 1_000)
    assert not set(origins) & {381, 382, 383}
    assert {380, 384} <= set(origins)
    assert not data.seen(np.array([379]))[0, 1:4].any()


def test_no_forecast_begins_where_any_column_was_mended(tmp_path):
    values = np.stack([np.arange(400.0) % 7, np.arange(400.0) % 5], axis=1)
    values[380:383, 1] = np.nan
    source = written(tmp_path / "a.csv", values)
    data = prepared(tmp_path / "p", source=source, targets="x0", covariates="x1", window=20, horizon=5)
    origins = data.scored("test", 1_000)
    assert not set(origins) & {381, 382, 383}
    assert {380, 384} <= set(origins)
    assert data.seen(np.array([380])).shape == (1, 5, 1)
    assert data.seen(np.array([380])).all()  # it is the target that is scored


@pytest.mark.parametrize(("split", "first"), [("val", "2001-10-07"), ("test", "2001-12-06")])
def test_a_split_with_nothing_to_score_is_one_line(split, first, tmp_path):
    values = np.arange(400.0)[:, None] % 7
    start = {"val": 280, "test": 340}[split]
    values[start - 1 : start + 59] = np.nan
    values[399] = 1
    settings = {"validation_start": "2001-10-08", "test_start": "2001-12-07", "window": 20, "horizon": 5}
    with pytest.raises(UserError, match=rf"a\.csv: nothing to score in the {split} split, {first} to ") as error:
        prepared(tmp_path / "p", source=written(tmp_path / "a.csv", values), **settings)
    assert "\n" not in str(error.value)


def test_what_was_mended_counts_nothing(tmp_path):
    values = np.arange(400.0)[:, None] % 7
    values[290] = np.nan
    settings = {"source": written(tmp_path / "a.csv", values), "window": 20, "horizon": 5}
    counted = {}
    for difference in (0, 3):
        data = prepared(tmp_path / str(difference), difference=difference, **settings)
        batch = WindowBatches(data, 4, seed=1).judged(np.array([286, 289]))
        counted[difference] = batch["counted"][..., 0]
        np.testing.assert_array_equal(batch["weights"], [1, 1, 0, 0])
    np.testing.assert_array_equal(counted[0][:2], [[1, 1, 1, 1, 0], [1, 0, 1, 1, 1]])
    np.testing.assert_array_equal(counted[3][:2], [[1, 1, 1, 1, 0], [1, 0, 1, 1, 0]])  # 293 is a change since 290


def test_a_column_without_values_in_training_is_refused_or_left_out(tmp_path):
    values = np.stack([np.arange(400.0) % 7, np.arange(400.0) % 5], axis=1)
    values[:300, 1] = np.nan
    settings = {"source": written(tmp_path / "a.csv", values), "window": 20, "horizon": 5}
    assert prepared(tmp_path / "p", **settings).form.targets == ["x0"]
    for roles in ({"covariates": "x1"}, {"known": "x1"}, {"targets": "x0,x1"}):
        with pytest.raises(UserError, match="column x1 has no values in training"):
            prepared(tmp_path / "q", **{"targets": "x0", **settings, **roles})


def test_what_is_known_ahead(tmp_path):
    lines = [f"2001-01-{1 + i:02},{i % 5},{'AB'[i % 2]},{i % 3}" for i in range(30)]
    lines += [f"2001-02-{1 + i:02},{i % 4},{'AB'[i % 2]},{i % 3}" for i in range(28)]
    path = tmp_path / "a.csv"
    path.write_text("date,x,kind,price\n" + "\n".join(lines) + "\n")
    settings = {"targets": "x", "known": "kind,price", "window": 6, "horizon": 2}
    data = prepared(tmp_path / "p", source=str(path), **settings)
    assert data.form.categories == {"kind": ["A", "B"]}
    assert data.form.time_features == ["weekday"]
    known = np.asarray(data.known)
    assert known.shape == (59, 1 + 2 + 7)
    np.testing.assert_array_equal(known[:4, 1:3], [[1, 0], [0, 1], [1, 0], [0, 1]])
    np.testing.assert_array_equal(known[:7, 3:].argmax(axis=1), [0, 1, 2, 3, 4, 5, 6])  # a Monday


def test_constant_columns_are_left_out_or_refused(tmp_path):
    values = np.stack([np.arange(300.0) % 7, np.ones(300)], axis=1)
    source = written(tmp_path / "a.csv", values)
    assert prepared(tmp_path / "p", source=source).form.targets == ["x0"]
    with pytest.raises(UserError, match=r"column x1 is constant in training \(1\)"):
        prepared(tmp_path / "q", source=source, targets="x1")


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e9])
def test_a_column_stands_still_relative_to_its_size(size, tmp_path):
    still = np.where(np.arange(300) % 2, 0.1, 0.3 - 0.2) * size  # differs in the last digit
    moves = size * (1 + 1e-6 * (np.arange(300) % 7))
    settings = {"source": written(tmp_path / "a.csv", np.stack([still, moves], axis=1)), "window": 20, "horizon": 5}
    data = prepared(tmp_path / "p", **settings)
    assert data.form.targets == ["x1"]
    assert data.form.deviation == pytest.approx([moves[: data.form.validation_start].std()])
    with pytest.raises(UserError, match="column x0 is constant in training"):
        prepared(tmp_path / "q", targets="x0", **settings)
    beside = prepared(tmp_path / "r", targets="x1", covariates="x0", **settings)
    assert beside.form.deviation[1] == 1.0


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"window": 5_000}, "5,011 at least"),
        ({"horizon": 500}, "horizon 500 are 501 at least|steps for validation"),
        ({"test_start": "10", "validation_start": "20"}, "accepted are dates one after the other inside 0 to 999"),
        ({"test_start": "2001-01-01"}, "data.test_start: found '2001-01-01'; accepted is the number of a step"),
        ({"season": 900}, "data.season: found 900"),
    ],
)
def test_sizes_that_do_not_fit_are_one_line(settings, wrong, tmp_path):
    with pytest.raises(UserError, match=wrong):
        prepared(tmp_path / "p", **settings)


def test_long_windows_are_read_in_parts_of_a_day(tmp_path):
    hours = np.sin(np.arange(3_000) * 2 * np.pi / 24)[:, None]
    source = written(tmp_path / "a.csv", hours, frequency="h")
    counts = dict(prepare_series(SeriesConfig(source=source), tmp_path))
    assert (counts["season"], counts["window"], counts["horizon"], counts["segment"]) == (24, 192, 24, 12)
    assert prepare_series(SeriesConfig(source=source, window=30), tmp_path)["segment"] == 1


def test_seasons():
    steps = np.arange(600)
    rng = np.random.default_rng(1)
    weekly = (np.arange(7) ** 2)[steps % 7] + rng.normal(size=600)
    assert find_season(weekly[:, None], [7]) == 7
    assert find_season(weekly[:, None], []) == 7  # found by itself
    assert find_season(np.cumsum(rng.normal(size=600))[:, None], [7]) == 1
    trend = 2 * np.arange(144) + 100 * np.sin(steps[:144] * 2 * np.pi / 12)
    assert find_season(trend[:, None], [12]) == 12


MEMORY = """
import resource, sys
from pathlib import Path
from rnn_tasks.series import SeriesConfig, prepare_series
print(prepare_series(SeriesConfig(source=sys.argv[1], window=100, horizon=10), Path(sys.argv[2]))["steps"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.real
def test_ten_million_steps_prepare_in_less_than_a_gigabyte(tmp_path):
    """A file of 10,000,000 rows, one a minute."""
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("date,x\n")
        start = np.datetime64("2001-01-01T00:00")
        for part in range(100):
            steps = np.arange(part * 100_000, (part + 1) * 100_000)
            dates = np.datetime_as_string(start + steps)
            file.write("".join(f"{date},{value:.3f}\n" for date, value in zip(dates, np.sin(steps / 99), strict=True)))
    (tmp_path / "p").mkdir()
    command = [sys.executable, "-c", MEMORY, str(path), str(tmp_path / "p")]
    steps, megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(steps) == 10_000_000
    assert float(megabytes) < 1000
    assert len(series.PreparedSeries(tmp_path / "p").origins("train")) > 7_000_000
