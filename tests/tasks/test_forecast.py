"""The forecast task: what its stages make of embedded series and of a user's table, and what it refuses."""

import io

import numpy as np
import pandas as pd
import pytest

from rnn_tasks.config import override, validate
from rnn_tasks.errors import UserError
from rnn_tasks.evaluation import read_history
from rnn_tasks.series import SeriesForm
from rnn_tasks.tasks import forecast

TASK, TINY = forecast.TASK, forecast.PRESETS["tiny"]


def chain(config, directory):
    prepared = TASK.prepare(config, directory / "prepared")
    trained = TASK.train(config, prepared, directory / "train", ())
    report = TASK.evaluate(config, prepared, trained, directory / "evaluated")
    return prepared, report, TASK.export(config, prepared, trained, directory / "exported")


def answered(exported, text, **options):
    """The table that `predict` answers."""
    records = TASK.records.read(text.split("\n"), "mine.csv")
    lines = list(TASK.predict(exported.directory, records, validate(TASK.predict_options, options)))
    return pd.read_csv(io.StringIO("\n".join(lines)))


def generated(exported, **options):
    lines = list(TASK.generate(exported.directory, validate(TASK.generate_options, options)))
    return pd.read_csv(io.StringIO("\n".join(lines)))


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    """A linear forecaster of the waves, which obey a linear recurrence."""
    directory = tmp_path_factory.mktemp("waves")
    changes = {
        "data.steps": 600,
        "data.window": 30,
        "data.horizon": 5,
        "model.output": "point",
        "training.epochs": 25,
        "training.windows_per_epoch": 2_000,
        "training.decay": "cosine",
    }
    return chain(override(TINY, changes), directory)


def test_waves_are_forecast_closely(waves):
    _, report, _ = waves
    metrics = {metric.name: metric for metric in report.metrics}
    assert metrics["test_mse"].value < 0.1
    assert metrics["test_mse"].value < 0.05 * metrics["test_mse"].baseline
    assert {"test_ets_mase", "test_arima_mase", "test_naive_mase"} <= set(metrics)
    assert "test_crps" not in metrics  # there are no intervals


def test_the_report_agrees_with_what_predict_answers(waves):
    """The last forecast of the samples, asked for by hand."""
    prepared, report, exported = waves
    samples = pd.read_csv(report.samples, sep="\t")
    last = samples.iloc[-2:]
    assert last["ahead"].tolist() == [1, 5]
    start = int(last["date"].iloc[0])
    truth = np.load(prepared.directory / "raw.npy")[:, 0]
    found = answered(exported, "waves\n" + "\n".join(f"{value:.9f}" for value in truth[:start]))
    assert found["step"].tolist() == list(range(start, start + 5))
    np.testing.assert_allclose(found["forecast"].iloc[[0, -1]], last["forecast"], rtol=1e-4, atol=1e-3)


def test_the_example_beside_an_export_is_answered(waves):
    prepared, _, exported = waves
    form = SeriesForm.load(prepared.directory)
    (example,) = TASK.examples(exported.directory)
    found = answered(exported, example)
    truth = np.load(prepared.directory / "raw.npy")[form.test_start : form.test_start + 5, 0]
    assert np.abs(found["forecast"] - truth).mean() < 1.0


def test_longer_forecasts_go_on_from_shorter_ones(waves):
    _, _, exported = waves
    values = np.sin(np.arange(60) / 4)
    text = "waves\n" + "\n".join(f"{value:.12f}" for value in values)
    short, cut, long = (answered(exported, text, steps=steps)["forecast"].to_numpy() for steps in (5, 3, 12))
    np.testing.assert_allclose(cut, short[:3])
    np.testing.assert_allclose(long[:5], short, rtol=1e-6)
    again = "waves\n" + "\n".join(f"{value:.12f}" for value in [*values, *long[:5]])
    np.testing.assert_allclose(answered(exported, again)["forecast"], long[5:10], rtol=1e-4, atol=1e-5)


def test_it_writes_on_by_itself(waves, tmp_path):
    _, _, exported = waves
    found = generated(exported, seed_window="train", steps=40)
    assert len(found) == 40
    form = SeriesForm.load(exported.directory)
    assert found["step"].iloc[0] == form.validation_start
    t = found["step"] / 10
    truth = t * np.sin(t) / 3 + 2 * np.sin(5 * t)
    assert np.abs(found["forecast"] - truth)[:10].mean() < 1.0
    noisy, same = (generated(exported, seed_window="noise", steps=20, noise=0.1, seed=3) for _ in range(2))
    assert noisy.equals(same)
    assert not noisy.equals(generated(exported, seed_window="noise", steps=20, noise=0.1, seed=4))
    still = generated(exported, seed_window="zeros", steps=20)
    assert np.isfinite(still["forecast"]).all()
    (tmp_path / "seed.csv").write_text("waves\n" + "\n".join(map(str, np.sin(np.arange(60) / 4))))
    figure = tmp_path / "f.png"
    from_file = generated(exported, seed_window=str(tmp_path / "seed.csv"), steps=7, figure=figure)
    assert from_file["step"].tolist() == list(range(60, 67))
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"seed_window": "nowhere.csv"}, "--seed-window: nowhere.csv does not exist; accepted are zeros, noise, train"),
        ({"figure": "f.svg"}, "f.svg ends in .svg; accepted is .png"),
        ({"steps": 0}, "steps: "),
    ],
)
def test_what_cannot_be_generated_is_one_line(waves, options, wrong):
    with pytest.raises(UserError, match=wrong) as error:
        generated(waves[2], **options)
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Two daily series that holidays, known ahead, raise by 10; written as Germans do."""
    directory = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(1)
    days = 400
    holiday = (rng.random(days) < 0.2).astype(int)
    sales = 100 + 10 * holiday + 5 * (np.arange(days) % 7 == 0) + 0.3 * rng.normal(size=days)
    visits = 20 + 10 * holiday + 0.3 * rng.normal(size=days)
    dates = pd.date_range("2020-01-01", periods=days)
    frame = pd.DataFrame({"Tag": dates.strftime("%d.%m.%Y"), "sales, net": sales, "visits": visits, "holiday": holiday})
    path = directory / "shop.csv"
    frame.to_csv(path, sep=";", decimal=",", index=False)
    changes = {
        "data.source": str(path),
        "data.known": "holiday",
        "data.window": 14,
        "data.horizon": 3,
        "model.units": 16,
        "training.epochs": 12,
        "training.windows_per_epoch": 3_000,
    }
    return frame, chain(override(TINY, changes), directory)


def test_what_is_known_ahead_is_used(shop):
    frame, (prepared, report, exported) = shop
    metrics = {metric.name: metric for metric in report.metrics}
    assert metrics["test_mase"].value < 0.5 * metrics["test_mase"].baseline
    assert 0.5 < metrics["test_coverage_90"].value <= 1
    assert set(pd.read_csv(report.tables["by_series"], sep="\t")["series"]) == {"sales, net", "visits"}
    assert prepared.counts["known_features"] == 1 + 7
    (example,) = TASK.examples(exported.directory)
    assert example.splitlines()[0] == 'date,"sales, net",visits,holiday'
    assert len(answered(exported, example)) == 3
    ahead = frame.iloc[:103].copy()
    ahead.loc[100:, ["sales, net", "visits"]] = np.nan
    ahead.loc[100:, "holiday"] = [0, 1, 0]
    found = answered(exported, ahead.to_csv(sep=";", decimal=",", index=False))
    assert found["date"].tolist() == ["2020-04-10", "2020-04-11", "2020-04-12"]
    assert list(found.columns[:3]) == ["date", "sales, net", "sales, net_q0.05"]
    np.testing.assert_allclose(found["visits"], [20, 30, 20], atol=3)
    assert (found["sales, net_q0.05"] <= found["sales, net_q0.95"]).all()
    iso = ahead.assign(Tag=pd.to_datetime(ahead["Tag"], format="%d.%m.%Y"))
    assert answered(exported, iso.to_csv(index=False)).equals(found)  # however dates and numbers are written


def test_what_cannot_be_predicted_is_one_line(shop):
    frame, (_, _, exported) = shop
    german = {"sep": ";", "decimal": ",", "index": False}
    past = frame.iloc[:100]
    for text, wrong in (
        (past.to_csv(**german), "holiday must be known 3 steps ahead; found 0 rows behind the last value"),
        (past.iloc[:10].to_csv(**german), "found 10 steps of a day; accepted are 14 at least"),
        (past.drop(columns="visits").to_csv(**german), "data.targets: .* has no column 'visits'"),
        (past.iloc[:, 1:].to_csv(**german), "has no column of dates"),
        (
            past.replace({100: "x"}).assign(**{"sales, net": "many"}).to_csv(**german),
            "line 2, column sales, net: 'many' is no number",
        ),
        (past.assign(Tag="tomorrow").to_csv(**german), "no column of dates|is no date"),
    ):
        with pytest.raises(UserError, match=wrong) as error:
            answered(exported, text)
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="holiday must be known ahead; accepted is a CSV file that has it"):
        generated(exported, seed_window="train")


def test_every_way_and_output_goes_the_whole_chain(tmp_path):
    changes = {"data.steps": 120, "data.window": 10, "data.horizon": 2, "data.difference": 3, "training.epochs": 1}
    for number, (way, output) in enumerate((("sequence", "gaussian"), ("encoder_decoder", "quantiles"))):
        config = override(TINY, {**changes, "model.way": way, "model.output": output})
        _, report, exported = chain(config, tmp_path / str(number))
        names = {metric.name for metric in report.metrics}
        assert {"test_crps", "test_coverage_90"} <= names
        assert len(generated(exported, steps=9)) == 9
    (example,) = TASK.examples(exported.directory)
    assert len(answered(exported, example, steps=3)) == 3
    with pytest.raises(UserError, match=r"--steps 4: the intervals are those of changes over 3 steps"):
        answered(exported, example, steps=4)


def test_intervals_of_sums_of_changes_are_refused_before_training_where_the_horizon_is_found(tmp_path):
    config = override(TINY, {"data.horizon": 0, "data.difference": 1})
    prepared = TASK.prepare(config, tmp_path)
    assert prepared.counts["horizon"] > 1
    with pytest.raises(UserError, match="model.output=quantiles has no intervals for sums of changes") as error:
        TASK.train(config, prepared, tmp_path / "train", ())
    assert "\n" not in str(error.value)
    point = override(config, {"model.output": "point"})
    assert TASK.build(point, prepared).output_shape[-1] == 1


def test_what_was_mended_counts_nothing_in_the_validation_loss(tmp_path):
    values = np.sin(np.arange(150) / 3)
    values[118:120] = np.nan  # the last steps of validation, which no window of it reads
    frame = pd.DataFrame({"date": pd.date_range("2020-01-01", periods=150), "x": values})
    frame.to_csv(tmp_path / "a.csv", index=False)
    changes = {
        "data.source": str(tmp_path / "a.csv"),
        "data.validation_start": "2020-04-10",
        "data.test_start": "2020-04-30",
        "training.epochs": 1,
    }
    losses = []
    for number, (first, last, other) in enumerate(((0, 0, 0), (118, 120, 1e3), (117, 118, 1e3))):
        config = override(TINY, changes)
        prepared = TASK.prepare(config, tmp_path / f"prepared{number}")
        scaled = np.load(prepared.directory / "values.npy")
        scaled[first:last] = other
        np.save(prepared.directory / "values.npy", scaled)
        trained = TASK.train(config, prepared, tmp_path / f"train{number}", ())
        losses.append(read_history(trained.history)[-1]["val_loss"])
    assert losses[0] == losses[1]
    assert losses[2] > 10 * losses[0]  # that one was observed
    assert np.isfinite(losses[0])


def test_covariates_of_the_past_end_with_the_horizon(tmp_path):
    rng = np.random.default_rng(2)
    cause = rng.normal(size=300)
    effect = np.concatenate([[0.0], cause[:-1]])  # follows a step later
    frame = pd.DataFrame({"date": pd.date_range("2020-01-01", periods=300), "effect": effect, "cause": cause})
    frame.to_csv(tmp_path / "a.csv", index=False)
    changes = {
        "data.source": str(tmp_path / "a.csv"),
        "data.targets": "effect",
        "data.covariates": "cause",
        "data.window": 8,
        "data.horizon": 1,
        "model.output": "point",
        "model.units": 16,
        "training.epochs": 15,
        "training.windows_per_epoch": 3_000,
    }
    _, report, exported = chain(override(TINY, changes), tmp_path)
    metrics = {metric.name: metric for metric in report.metrics}
    assert metrics["test_mae"].value < 0.4 * metrics["test_mae"].baseline
    found = answered(exported, frame.iloc[:50].to_csv(index=False))
    assert found["forecast"][0] == pytest.approx(cause[49], abs=0.5)
    with pytest.raises(
        UserError, match="--steps 2: the model forecasts 1 steps from cause, which are not known beyond"
    ):
        answered(exported, frame.to_csv(index=False), steps=2)
    with pytest.raises(UserError, match="the model reads cause, which it does not forecast itself"):
        generated(exported)


@pytest.mark.parametrize(
    ("text", "changes", "wrong"),
    [
        ("date,x\n2001-01-01,red\n2001-01-02,blue\n", {"data.targets": "x"}, "line 2, column x: 'red' is no number"),
        ("place,x\nhere,1\nthere,2\n", {}, "has no column of dates"),
        ("date,x\n2001-01-01,1\n2001-01-02,2\n2001-01-40,3\n", {}, "line 4, column date: '2001-01-40' is no date"),
        ("date,x\n" + "".join(f"2001-01-{i:02},{i % 3}\n" for i in range(1, 31)), {"data.window": 40}, "of 30 in all"),
        ("date,x\n" + "".join(f"2001-01-{i:02},{i % 3}\n" for i in range(1, 31)), {"data.horizon": 20}, "of 30 in all"),
        ("date,x\n" + "".join(f"2001-01-{i:02},7\n" for i in range(1, 31)), {}, "column x is constant in training"),
        ("date,x,y\n" + "".join(f"2001-01-{i:02},,1\n" for i in range(1, 31)), {"data.targets": "x"}, "has no values"),
        ("date,x\n2001-01-01,1\n2001-01-02,NaN\n", {"data.targets": "x"}, "line 3, column x: 'NaN' is no number"),
        ("date,x\n2001-01-01,1\n2001-01-02,inf\n", {"data.targets": "x"}, "line 3, column x: 'inf' is no number"),
    ],
)
def test_bad_tables_are_one_line_and_leave_nothing(text, changes, wrong, tmp_path):
    (tmp_path / "mine.csv").write_text(text)
    config = override(TINY, {"data.source": str(tmp_path / "mine.csv"), **changes})
    with pytest.raises(UserError, match=wrong) as error:
        TASK.prepare(config, tmp_path / "work")
    assert "\n" not in str(error.value)
    assert [path for path in (tmp_path / "work").iterdir() if not path.name.endswith(".lock")] == []


def test_a_file_that_is_not_there_is_told_before_anything_runs():
    with pytest.raises(UserError, match=r"nowhere\.csv: no such file \(data\.source is waves, sines, noise, sunspots"):
        TASK.inputs(override(TINY, {"data.source": "nowhere.csv"}))


def test_settings_that_do_not_fit():
    for changes, wrong in (
        ({"data.targets": "a", "data.known": "a"}, "column 'a' is named twice"),
        ({"model.quantiles": "0.1,0.9"}, "accepted are levels that rise and are symmetric"),
        ({"model.quantiles": "few"}, "accepted are numbers with commas"),
        (
            {"data.difference": 3, "data.horizon": 4},
            "found data.difference 3 and a horizon of 4; accepted are model.output=point, or data.horizon up to 3",
        ),
        ({"data.difference": 1, "model.output": "gaussian"}, "model.output=gaussian has no intervals for sums of"),
    ):
        with pytest.raises(UserError, match=wrong):
            override(TINY, changes)
    assert override(TINY, {"model.quantiles": [0.1, 0.5, 0.9]}).model.levels == (0.1, 0.5, 0.9)
    assert override(TINY, {"data.difference": 1, "model.output": "point"}).data.difference == 1
    assert override(TINY, {"data.difference": 4}).data.horizon == 4
    assert override(TINY, {"data.targets": 4}).data.targets == "4"
