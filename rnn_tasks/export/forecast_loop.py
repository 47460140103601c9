"""A forecaster for series in a user's own units: it gives forecasts in these units, for any number of steps."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks.export.saved_model import Endpoint
from rnn_tasks.series.form import SeriesForm

Answer = Callable[[tf.Tensor], dict[str, tf.Tensor]]


class ForecastLoop:
    """The model with the scales of its series around it.

    Args:
        model: (inputs, known) -> outputs (batch, [window,] horizon, targets, parts), of scaled values.
        answer: outputs -> `forecast` (…, targets) and `quantiles` (…, targets, levels).
        form: of the series.
        every_step: whether the model answers at every step of the window; only the last answer is used here.
    """

    def __init__(self, model: keras.Model, answer: Answer, form: SeriesForm, every_step: bool):
        self.model, self.answer, self.form, self.every_step = model, answer, form, every_step
        self.targets = len(form.targets)

    def once(self, history: tf.Tensor, known: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Forecasts of one horizon.

        Args:
            history: (batch, form.history, columns) float64, in the user's units.
            known: (batch, window + horizon, features) float32, as `SeriesForm.known_features` makes them.

        Returns:
            `forecast` (batch, horizon, targets) and `quantiles` (batch, horizon, targets, levels), float64.
        """
        return self._restored(self._ahead(self._scaled(history), known), history)

    def write_on(
        self, history: tf.Tensor, blocks: tf.Tensor, noise: tf.Tensor, seed: tf.Tensor, known: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Horizon after horizon, each from the forecasts before it; the model must have no covariates.

        Args:
            history: as in `once`.
            blocks: number of horizons to write, a scalar.
            noise: deviation of the noise added to each forecast before it is fed back, in the scaled series' unit.
            seed: of the noise, a scalar.
            known: (batch, window + blocks * horizon, features).

        Returns:
            As `once`, over (batch, blocks * horizon, …).
        """
        window, horizon = self.form.window, self.form.horizon
        values = self._scaled(history)
        first = self._ahead(values, None if known is None else known[:, : window + horizon])
        levels = first["quantiles"].shape[-1]
        points, spreads = (tf.TensorArray(tf.float32, blocks, element_shape=one.shape) for one in first.values())

        def body(block, values, points, spreads):
            start = block * horizon
            found = self._ahead(values, None if known is None else known[:, start : start + window + horizon])
            drawn = tf.random.stateless_normal(tf.shape(found["forecast"]), tf.stack([seed, block]))
            moved = noise * drawn
            fed = found["forecast"] + moved  # (batch, horizon, targets)
            values = tf.ensure_shape(tf.concat([values, fed], axis=1)[:, -window:], values.shape)
            return (
                block + 1,
                values,
                points.write(block, fed),
                spreads.write(block, found["quantiles"] + moved[..., None]),
            )

        *_, points, spreads = tf.while_loop(
            lambda block, *_: block < blocks, body, (tf.constant(0), values, points, spreads)
        )
        batch = tf.shape(history)[0]
        forecast = tf.reshape(tf.transpose(points.stack(), (1, 0, 2, 3)), (batch, -1, self.targets))
        quantiles = tf.transpose(spreads.stack(), (1, 0, 2, 3, 4))
        quantiles = tf.reshape(quantiles, (batch, blocks * horizon, self.targets, levels))
        return self._restored({"forecast": forecast, "quantiles": quantiles}, history)

    def endpoints(self) -> dict[str, Endpoint]:
        """`serve` is `once`; `write_on` exists if the model has no covariates."""
        form = self.form
        history = tf.TensorSpec((None, form.history, len(form.mean)), tf.float64, "history")
        counts = [tf.TensorSpec((), tf.int32, "blocks"), tf.TensorSpec((), tf.float32, "noise")]
        counts.append(tf.TensorSpec((), tf.int32, "seed"))

        def known(steps: int | None) -> list[tf.TensorSpec]:
            width = form.known_width
            return [tf.TensorSpec((None, steps, width), tf.float32, "known")] if width else []

        found = {"serve": Endpoint(self.once, [history, *known(form.window + form.horizon)])}
        if not form.covariates:
            found["write_on"] = Endpoint(self.write_on, [history, *counts, *known(None)])
        return found

    def _ahead(self, values: tf.Tensor, known: tf.Tensor | None) -> dict[str, tf.Tensor]:
        inputs = {"inputs": values} if known is None else {"inputs": values, "known": known}
        outputs = self.model(inputs, training=False)
        return self.answer(outputs[:, -1] if self.every_step else outputs)

    def _scaled(self, history: tf.Tensor) -> tf.Tensor:
        """(batch, history, columns) float64 -> (batch, window, columns) float32."""
        lag = self.form.difference
        changes = history[:, lag:] - history[:, :-lag] if lag else history
        return tf.cast((changes - np.array(self.form.mean)) / np.array(self.form.deviation), tf.float32)

    def _restored(self, found: dict[str, tf.Tensor], history: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scaled forecasts in the units of the user."""
        mean = np.array(self.form.mean)[: self.targets]
        deviation = np.array(self.form.deviation)[: self.targets]
        forecast = tf.cast(found["forecast"], tf.float64) * deviation + mean  # (batch, steps, targets)
        quantiles = tf.cast(found["quantiles"], tf.float64) * deviation[:, None] + mean[:, None]
        if lag := self.form.difference:
            # Steps that are a lag apart are added up: steps in rows of `lag`, one cumulative sum for each column.
            steps = tf.shape(forecast)[1]
            rows = -(-steps // lag)
            padded = tf.pad(forecast, [[0, 0], [0, rows * lag - steps], [0, 0]])
            sums = tf.cumsum(tf.reshape(padded, (-1, rows, lag, self.targets)), axis=1)
            sums += history[:, None, -lag:, : self.targets]
            whole = tf.reshape(sums, (-1, rows * lag, self.targets))[:, :steps]
            quantiles += (whole - forecast)[..., None]
            forecast = whole
        return {"forecast": forecast, "quantiles": quantiles}
