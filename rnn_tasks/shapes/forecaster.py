"""Tasks that forecast a series from its past: training on windows, report beside classical methods, export, writing on.

Everything between the series' own values and forecasts in its own units lies here and below; a task says which config
and which presets it has.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks import export as exporting
from rnn_tasks import files, models, series, training
from rnn_tasks.errors import UserError
from rnn_tasks.line_stream import chunks
from rnn_tasks.preparation import prepare_once
from rnn_tasks.shapes.forecast_config import ForecastConfig, ForecastOptions, SeriesGenerationOptions
from rnn_tasks.shapes.forecast_heads import ForecastHead, forecast_head
from rnn_tasks.shapes.forecast_report import JudgedForecasts, forecast_report
from rnn_tasks.task import Exported, Overfit, Prepared, Report, Task, Trained

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

logger = logging.getLogger(__name__)

ROWS = 256
"""Windows that are forecast at once."""
CHECKED = 64
SETTINGS, SEED_WINDOW = "settings.json", "seed_window.npy"


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
            """Of the forecasts that users get: the last ones of a window, where there is one a step.

            Values are weighed one by one: what was mended counts nothing.
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
    """(batch, [window,] horizon, targets, parts) and what came to be, (batch, [window,] horizon, targets), scaled."""
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
    every_step = _every_step(loop, data, origins) if config.model.way == "sequence" else None
    judged = JudgedForecasts(data, origins, forecast, quantiles, head.levels, every_step)
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
        scale = np.array(data.form.scales)  # errors are told in units that matter
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


def predict(export_dir: Path, records: Iterable[series.SeriesTable], options: ForecastOptions) -> Iterator[str]:
    """A table for a table: a header, then date, forecasts and quantiles a step ahead."""
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
    yield from _lines(
        form, (), clock.labels(np.arange(start, start + options.steps)), written, written[..., None][..., :0]
    )


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
    """Forecasts (1, steps and more, …) of what follows `values` (time, columns), horizon after horizon."""
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
    yield ",".join(f'"{name}"' if "," in name else name for name in header)
    for label, values, spread in zip(labels, forecast, quantiles, strict=True):
        cells = [number for value, row in zip(values, spread, strict=True) for number in (value, *row)]
        yield ",".join([label, *(f"{cell:.8g}" for cell in cells)])


def _loaded(export_dir: Path) -> tuple[Any, series.SeriesForm, series.SeriesConfig, list[float]]:
    settings = json.loads((export_dir / SETTINGS).read_bytes())
    config = series.SeriesConfig.model_validate(settings["data"])
    return exporting.load_endpoints(export_dir), series.SeriesForm.load(export_dir), config, settings["levels"]


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


def _every_step(loop: exporting.ForecastLoop, data: series.PreparedSeries, origins: np.ndarray) -> float:
    """Mean squared error of the forecasts at all steps of the windows, the first ones included, in the series' units.

    Of a differenced series these are errors of the changes, which are those of the values one step ahead.
    """
    form = data.form
    outputs = training.forward(lambda batch: loop.answer(loop.model(batch, training=False))["forecast"])
    errors = []
    for start in range(0, len(origins), ROWS):
        batch = data.batch(origins[start : start + ROWS])
        found = outputs({name: value for name, value in batch.items() if name in loop.model.input})
        ahead = [batch["targets"][:, 1 + step : 1 + step + form.window] for step in range(form.horizon)]
        deviation = np.array(form.deviation)[: len(form.targets)]
        errors.append((((found - np.stack(ahead, axis=2)) * deviation) ** 2).mean(axis=(1, 2, 3)))
    return float(np.concatenate(errors).mean())


def _head(config: ForecastConfig) -> ForecastHead:
    return forecast_head(config.model.output, config.model.levels, config.model.point_loss)


def _batches(config: ForecastConfig, prepared: Prepared) -> series.WindowBatches:
    data = series.PreparedSeries(prepared.directory)
    return series.WindowBatches(data, config.training.batch_size, config.seed, config.training.windows_per_epoch)


def _loop(config: ForecastConfig, prepared: Prepared, trained: Trained) -> exporting.ForecastLoop:
    model = training.load_weights(build(config, prepared), trained.weights)
    form = series.SeriesForm.load(prepared.directory)
    return exporting.ForecastLoop(model, _head(config).answer, form, config.model.way == "sequence")
