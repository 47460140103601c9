"""The report on forecasts: what cannot be fitted beside them costs nothing."""

import logging

import numpy as np
import pandas as pd

from rnn_tasks.series import PreparedSeries, SeriesConfig, prepare_series
from rnn_tasks.shapes.forecast_config import ForecastEvaluationConfig
from rnn_tasks.shapes.forecast_report import JudgedForecasts, forecast_report
from rnn_tasks.task import Trained


def reported(directory, **settings):
    """The report on forecasts that are all 1."""
    prepare_series(SeriesConfig(window=2, horizon=1, season=1, test_start="20", **settings), directory)
    data = PreparedSeries(directory)
    origins = data.scored("test", 10)
    ones = np.ones((len(origins), 1, 1))
    history = directory / "history.jsonl"
    history.write_text('{"epoch": 1, "train_loss": 1.0, "val_loss": 1.0}\n')
    trained = Trained(weights=directory / "none", history=history, epochs=1, steps=1, seconds=1.0, metrics={})
    judged = JudgedForecasts(data, origins, ones, ones[..., None][..., :0], ())
    return forecast_report(judged, ForecastEvaluationConfig(classical_origins=2), trained, directory)


def test_a_method_that_cannot_be_fitted_is_left_out_with_one_warning(tmp_path, caplog):
    """Exponential smoothing starts from ten steps at least; here it has nine."""
    with caplog.at_level(logging.WARNING):
        report = reported(tmp_path, steps=30, validation_start="9")
    (said,) = [record.getMessage() for record in caplog.records if record.name.startswith("rnn_tasks")]
    assert said.startswith("ETS is left out: not fitted to waves (")
    assert "\n" not in said
    metrics = {metric.name: metric.value for metric in report.metrics}
    assert "test_ets_mase" not in metrics
    assert np.isfinite(metrics["test_arima_mase"])
    methods = pd.read_csv(report.tables["methods_on_classical_origins"], sep="\t")["method"].tolist()
    assert methods == ["forecast", "naive", "seasonal naive", "ARIMA"]
