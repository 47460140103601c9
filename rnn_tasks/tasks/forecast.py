"""What comes next in a series? From a window of its past to the steps ahead, with intervals. Sequence to vector.

Embedded are waves, sums of sines, noise and the yearly sunspots; `DATA=` takes any CSV file with a column of dates.
A linear path through the window starts as the seasonal naive forecast; recurrent layers learn what it leaves over.

References:
    Lai, Chang, Yang & Liu (2018), Modeling Long- and Short-Term Temporal Patterns with Deep Neural Networks.
    Wen, Torkkola, Narayanaswamy & Madeka (2017), A Multi-Horizon Quantile Recurrent Forecaster.
"""

from __future__ import annotations

from rnn_tasks import shapes, synthetic
from rnn_tasks.series.config import SeriesConfig
from rnn_tasks.series.records import SeriesRecords
from rnn_tasks.shapes.forecast_config import (
    ForecastConfig,
    ForecasterConfig,
    ForecastEvaluationConfig,
    ForecastTrainingConfig,
)

TRAINING = ForecastTrainingConfig(
    epochs=30, learning_rate=0.003, decay="cosine", clip_norm=1.0, early_stopping_patience=8
)
PRESETS = {
    "quick": ForecastConfig(model=ForecasterConfig(units=64, dropout=0.1), training=TRAINING),
    "full": ForecastConfig(
        model=ForecasterConfig(units=128, layers=2, dropout=0.2),
        training=TRAINING.model_copy(update={"epochs": 100, "early_stopping_patience": 20, "learning_rate": 0.002}),
        evaluation=ForecastEvaluationConfig(origins=5_000, classical_origins=60),
    ),
    "tiny": ForecastConfig(
        competes=False,
        data=SeriesConfig(steps=200, window=16, horizon=4),
        model=ForecasterConfig(units=8),
        training=ForecastTrainingConfig(epochs=2, learning_rate=0.01, batch_size=16, windows_per_epoch=64),
        evaluation=ForecastEvaluationConfig(origins=20, classical_origins=2),
    ),
}
WAVES = "waves\n" + "\n".join(f"{value:.4f}" for value in synthetic.embedded_series("waves", 80, 0.0, 1)[0])

TASK = shapes.forecaster(
    name="forecast",
    summary="What comes next in a series, and how surely?",
    config=ForecastConfig,
    presets=PRESETS,
    primary_metric="test_mase",
    records=SeriesRecords(
        good=(WAVES,),
        bad={
            "": "accepted is a CSV table",
            "waves\n1\n2\ninf\n": "'inf' is no number",
            "waves\n1\n2\n3\n": "found 3 steps",
            "bytes\n1\n2\n3\n": "no column 'waves'",
        },
    ),
)
