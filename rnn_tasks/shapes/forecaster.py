"""Tasks that forecast a series from its past: training on windows, report beside classical methods, export.

All steps from the series' own values to forecasts in its own units lie here and below; a task only says which config
and which presets it has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks import export as exporting
from rnn_tasks import files, models, series, training
from rnn_tasks.preparation import prepare_once
from rnn_tasks.shapes.forecast_config import ForecastConfig, ForecastOptions, SeriesGenerationOptions
from rnn_tasks.shapes.forecast_heads import ForecastHead, forecast_head
from rnn_tasks.shapes.forecast_report import JudgedForecasts, forecast_report
from rnn_tasks.shapes.writing_on import SEED_WINDOW, SETTINGS, generate, predict
from rnn_tasks.task import Exported, Overfit, Prepared, Report, Task, Trained

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

ROWS = 256
"""Windows that are forecast at once."""
CHECKED = 64


def forecaster(**declared: Any) -> Task:
    """A task whose examples are windows of one series; arguments as of `Task`."""
    made = {
        "shape": "sequence to vector",
        "inputs": lambda config: series.series_inputs(config.data),
        "prepare": prepare,
        "build": build,
        "train": train,
        "evaluate": evaluate,
        "export": export,
        "predict": predict,
        "metrics": lambda prepared: ["test_mase", "test_mae", "test_rmse", "test_mse", "test_smape"],
        "example_batch": lambda config, prepared: next(_batches(config, prepared).epoch(0)),
        "higher_is_better": False,
        "predict_options": ForecastOptions,
        "examples": lambda export_dir: [(export_dir / series.EXAMPLE).read_text(encoding="utf-8")],
        "generate": generate,
        "generate_options": SeriesGenerationOptions,
        "overfit": Overfit(learning_rate=0.01, steps=200),
    }
    return Task(**{**made, **declared})


def prepare(config: ForecastConfig, work_dir: Path) -> Prepared:
    """The series as regular steps, scaled by its training split, with what is known ahead."""
    inputs = series.series_inputs(config.data)
    return prepare_once(
        [prepare],
        config.data,
        inputs,
        work_dir,
        lambda directory: series.prepare_series(config.data, directory),
        source=config.data.source,
    )


def build(config: ForecastConfig, prepared: Prepared) -> keras.Model:
    """{"inputs": (batch, window, columns), "known": …} -> (batch, [window,] horizon, targets, parts)."""
    counts: dict[str, Any] = prepared.counts
    config.check_intervals(counts["horizon"])
    head = _head(config)
    settings = config.model.model_dump(exclude={"output", "quantiles", "point_loss"})
    settings["segment"] = min(config.model.segment or counts["segment"], counts["window"])
    return models.forecaster(
        **{name: counts[name] for name in ("window", "horizon", "targets", "covariates", "season")},
        known=counts["known_features"],
        parts=head.parts,
        deviations=head.deviations,
        seed=config.seed,
        kernel_initializer=settings.pop("kernel_initializer"),
        recurrent_initializer=settings.pop("recurrent_initializer"),
        pooling="last",
        **settings,
    )


def train(
    config: ForecastConfig,
    prepared: Prepared,
    work_dir: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Trained:
    """The epoch with the least validation loss is kept."""
    head, batches = _head(config), _batches(config, prepared)
    data = batches.series
    origins = data.scored("val", config.training.val_windows)
    with training.training_scope(config.training, config.seed):
        model = build(config, prepared)

        def loss(model: keras.Model, batch: dict[str, tf.Tensor], is_training: bool) -> training.StepLoss:
            outputs, targets = _outputs_and_targets(model, batch, config, data.form, is_training)
            weights = batch["weights"]
            if config.model.way == "sequence":
                weights = weights[:, None] * _ones(outputs.shape[1])
            return head.loss(outputs, targets, weights[..., None] * _ones(data.form.horizon))

        def last_loss(model: keras.Model, batch: dict[str, tf.Tensor], _: bool) -> training.StepLoss:
            """The loss of the forecasts that users get: with a forecast a step, those at the last step of a window.

            Values are weighted one by one: values that were filled in do not count.
            """
            outputs, targets = _outputs_and_targets(model, batch, config, data.form, False)
            if config.model.way == "sequence":
                outputs, targets = outputs[:, -1], targets[:, -1]
            weights = batch["weights"][:, None, None] * batch["counted"]
            return head.loss(outputs[..., None, :], targets[..., None], weights)

        measure = training.evaluator(model, last_loss)

        def validate(_: keras.Model) -> dict[str, float]:
            rows = config.training.batch_size
            parts = (batches.judged(origins[start : start + rows]) for start in range(0, len(origins), rows))
            return {"val_loss": measure(parts)}

        return training.fit(
            model,
            batches,
            loss,
            config=config.training,
            work_dir=work_dir,
            validate=validate,
            monitor="val_loss",
            higher_is_better=False,
            callbacks=callbacks,
            throughput="train_windows_per_second",
        )


def _ones(count: int) -> tf.Tensor:
    import tensorflow as tf

    return tf.ones(count)


def _outputs_and_targets(
    model: keras.Model, batch: Mapping[str, tf.Tensor], config: ForecastConfig, form: series.SeriesForm, training: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """(batch, [window,] horizon, targets, parts) and the true values, (batch, [window,] horizon, targets), scaled."""
    import tensorflow as tf

    outputs = model({name: batch[name] for name in model.input}, training=training)
    if config.model.way != "sequence":
        return outputs, batch["targets"][:, form.window :]
    ahead = [batch["targets"][:, 1 + step : 1 + step + form.window] for step in range(form.horizon)]
    return outputs, tf.stack(ahead, axis=2)


def evaluate(config: ForecastConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Report:
    """Errors on the test split beside naive, seasonal naive, ETS and ARIMA; intervals; by step ahead; back-test."""
    head = _head(config)
    data = series.PreparedSeries(prepared.directory)
    origins = data.scored("test", config.evaluation.origins)
    loop = _loop(config, prepared, trained)
    forecast, quantiles = _forecasts(training.forward(lambda batch: loop.once(**batch)), data, origins)
    judged = JudgedForecasts(data, origins, forecast, quantiles, head.levels)
    return forecast_report(judged, config.evaluation, trained, out_dir)


def export(config: ForecastConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Exported:
    """The model with endpoints from raw series to forecasts; checked on the test split."""
    loop = _loop(config, prepared, trained)
    data = series.PreparedSeries(prepared.directory)
    origins = data.scored("test", CHECKED)
    with files.whole_directory(out_dir) as aside:
        exporting.export_model(loop.model, loop.endpoints(), aside)
        served = exporting.load_endpoints(aside)
        ours, theirs = (
            _forecasts(answer, data, origins)
            for answer in (
                training.forward(lambda batch: loop.once(**batch)),
                lambda batch: {n: v.numpy() for n, v in served.serve(*batch.values()).items()},
            )
        )
        scale = np.array(data.form.scales)  # errors are shown in the series' units
        in_scale = [{"forecast": forecast / scale} for forecast, _ in (ours, theirs)]
        exporting.check_same_answers(in_scale[0], in_scale[1], tolerance=1e-4)
        data.form.save(aside)
        settings = {"data": config.data.model_dump(), "levels": _head(config).levels}
        files.write_whole(aside / SETTINGS, json.dumps(settings, indent=2) + "\n")
        files.write_whole(aside / series.EXAMPLE, series.example_table(data, config.data))
        np.save(aside / SEED_WINDOW, data.raw[: data.form.validation_start][-data.form.history :])
    return Exported(
        directory=out_dir,
        keras_model=out_dir / exporting.KERAS_MODEL,
        saved_model=out_dir / exporting.SAVED_MODEL,
        checked=len(origins),
        extras={"example": out_dir / series.EXAMPLE},
    )


def _forecasts(answer: Any, data: series.PreparedSeries, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts (origins, horizon, targets) and quantiles (…, levels) in the series' units."""
    parts = []
    for start in range(0, len(origins), ROWS):
        chosen = origins[start : start + ROWS]
        rows = np.concatenate([chosen, np.full(min(ROWS, len(origins)) - len(chosen), chosen[0])])
        batch = {"history": data.history(rows, data.form.history).astype(np.float64)}
        if data.form.known_width:
            batch["known"] = data.batch(rows)["known"]
        parts.append({name: value[: len(chosen)] for name, value in answer(batch).items()})
    return tuple(np.concatenate([part[name] for part in parts]) for name in ("forecast", "quantiles"))  # type: ignore[return-value]


def _head(config: ForecastConfig) -> ForecastHead:
    return forecast_head(config.model.output, config.model.levels, config.model.point_loss)


def _batches(config: ForecastConfig, prepared: Prepared) -> series.WindowBatches:
    data = series.PreparedSeries(prepared.directory)
    return series.WindowBatches(data, config.training.batch_size, config.seed, config.training.windows_per_epoch)


def _loop(config: ForecastConfig, prepared: Prepared, trained: Trained) -> exporting.ForecastLoop:
    model = training.load_weights(build(config, prepared), trained.weights)
    form = series.SeriesForm.load(prepared.directory)
    return exporting.ForecastLoop(model, _head(config).answer, form, config.model.way == "sequence")
