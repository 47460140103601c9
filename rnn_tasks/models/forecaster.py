"""Models that forecast a series from a window of it: a linear path for repetition, recurrent layers for the rest."""

from __future__ import annotations

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from rnn_tasks.models.cells import initializers, recurrent_layer
from rnn_tasks.models.stack import recurrent_stack, seeds_of

Way = Literal["vector", "sequence", "encoder_decoder"]
LEAST_SPREAD = 0.05  # of the whole series' deviation: a constant window is not scaled up


def forecaster(
    *,
    way: Way,
    window: int,
    horizon: int,
    targets: int,
    covariates: int,
    known: int,
    parts: int,
    season: int,
    linear: bool,
    local_scaling: bool,
    deviations: int = 0,
    segment: int = 1,
    cell: Any = "lstm",
    units: int = 32,
    seed: int = 1,
    **stack: Any,
) -> keras.Model:
    """A model from a window to the next steps.

    Args:
        way: "vector": all steps at once from the last state. "sequence": at every step of the window, the `horizon`
            steps after it, so that training learns from every step. "encoder_decoder": a decoder that reads the known
            features of each step ahead.
        window, horizon: steps.
        targets, covariates: columns of a step of the past, targets first.
        known: features of a step that are known ahead.
        parts: number of values in the forecast of one value, such as quantiles.
        season: steps; the linear path starts as the seasonal naive forecast if the window holds a season.
        linear: add a linear function of the window (as LSTNet's autoregressive path), one for each target.
        local_scaling: read each window relative to its own mean and deviation, so that the model can handle new levels.
            A model that answers at every step reads it relative to its first value.
        deviations: number of parts, the last ones, that are logarithms of deviations. The window's level and the linear
            path are not added to these; the window's spread is added as a logarithm.
        segment: steps of the window that recurrent layers read at once, which makes long windows short; not used in a
            model that answers at every step.
        cell, units: of the recurrent layers.
        seed: of the initial weights and of dropout.
        stack: the rest of the recurrent layers, as in `recurrent_stack`.

    Returns:
        A model from {"inputs": (batch, window, targets + covariates)}, and {"known": (batch, window + horizon, known)}
        where there are any, to (batch, [window,] horizon, targets, parts).

    References:
        Lai, Chang, Yang & Liu (2018), Modeling Long- and Short-Term Temporal Patterns with Deep Neural Networks.
        Lin et al. (2023), SegRNN: Segment Recurrent Neural Network for Long-Term Time Series Forecasting.
        Kim et al. (2022), Reversible Instance Normalization for Accurate Time-Series Forecasting.
    """
    seeds = seeds_of(seed)
    inputs = {"inputs": keras.Input((window, targets + covariates), dtype="float32", name="inputs")}
    if known:
        inputs["known"] = keras.Input((window + horizon, known), dtype="float32", name="known")
    values = inputs["inputs"][:, :, :targets]  # (batch, window, targets)
    level, spread = _scale(values, way, local_scaling)  # (batch, 1, targets) each
    relative = (values - level) / spread
    read = [relative] + ([inputs["inputs"][:, :, targets:]] if covariates else [])
    size = {"horizon": horizon, "targets": targets, "parts": parts}
    recurrent = {"cell": cell, "units": units, "memory": 0, "forget_bias": 1.0, "steps": way == "sequence", **stack}
    if way != "sequence":
        read = [_segments(one, segment) for one in read]
        read += [_segments(inputs["known"][:, :window], segment, last=True)] if known else []
    if way == "encoder_decoder":
        context = recurrent_stack(_joined(read), None, seeds, outputs=units, **recurrent)  # (batch, units)
        written = [keras.layers.RepeatVector(horizon)(ops.tanh(context))]
        written += [inputs["known"][:, window:]] if known else []
        decoder = recurrent_layer(
            cell, units, return_sequences=True, name="decoder", **initializers(cell, "default", "default", seeds)
        )
        hidden = decoder(_joined(written))  # (batch, horizon, units)
        start = keras.initializers.GlorotUniform(seed=next(seeds))
        head = keras.layers.Dense(targets * parts, kernel_initializer=start, dtype="float32", name="forecast")
        found = ops.reshape(head(hidden), (-1, horizon, targets, parts))
    elif way == "vector":
        found = recurrent_stack(_joined(read), None, seeds, outputs=horizon * targets * parts, **recurrent)
        found = ops.reshape(found, (-1, horizon, targets, parts))
        if known:  # the known features of each step ahead, with the same weights for all steps
            start = keras.initializers.GlorotUniform(seed=next(seeds))
            ahead = keras.layers.Dense(units, "relu", kernel_initializer=start, name="ahead")
            start = keras.initializers.GlorotUniform(seed=next(seeds))
            last = keras.layers.Dense(targets * parts, kernel_initializer=start, dtype="float32", name="ahead_forecast")
            found = found + ops.reshape(last(ahead(inputs["known"][:, window:])), (-1, horizon, targets, parts))
    else:
        # At step t, the known features of t + 1, …, t + horizon.
        read += [inputs["known"][:, 1 + ahead : 1 + ahead + window] for ahead in range(horizon)] if known else []
        found = recurrent_stack(_joined(read), None, seeds, outputs=horizon * targets * parts, **recurrent)
        found = ops.reshape(found, (-1, window, horizon, targets, parts))
    path = None
    placed = found[..., : parts - deviations]
    if linear:
        path, straight = _linear(relative, way, **size)
        placed = placed + straight[..., None]
    axes = (1, 1) if way == "sequence" else (1,)
    level, spread = (ops.reshape(one, (-1, *axes, targets, 1)) for one in (level, spread))
    placed = placed * spread + level
    if deviations:
        placed = ops.concatenate([placed, found[..., -deviations:] + ops.log(spread)], axis=-1)
    model = keras.Model(inputs, placed, name="forecaster")
    if path is not None:
        _start_as_naive(path, way, window, horizon, season)
        _start_small(model)
    return model


def _joined(parts: list[keras.KerasTensor]) -> keras.KerasTensor:
    return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def _segments(steps: keras.KerasTensor, length: int, last: bool = False) -> keras.KerasTensor:
    """Steps (batch, time, columns) as segments (batch, time / length, length * columns), without surplus oldest steps.

    Args:
        last: keep only the last step of each segment, (batch, time / length, columns).
    """
    if length == 1:
        return steps
    _, time, columns = steps.shape
    count = time // length
    parts = ops.reshape(steps[:, time - count * length :], (-1, count, length, columns))
    return parts[:, :, -1] if last else ops.reshape(parts, (-1, count, length * columns))


def _scale(values: keras.KerasTensor, way: Way, local: bool) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The origin and the unit that scale a window, (batch, 1, targets) each."""
    first = values[:, :1]
    if not local:
        return first * 0.0, first * 0.0 + 1.0
    if way == "sequence":  # a later value would reveal the future
        return first, first * 0.0 + 1.0
    return ops.mean(values, axis=1, keepdims=True), ops.maximum(ops.std(values, axis=1, keepdims=True), LEAST_SPREAD)


def _linear(
    relative: keras.KerasTensor, way: Way, *, horizon: int, targets: int, parts: int
) -> tuple[keras.layers.Layer, keras.KerasTensor]:
    """A linear function of the last steps, one a target: (batch, [window,] horizon, targets)."""
    window = relative.shape[1]
    if way != "sequence":
        layer = keras.layers.EinsumDense(
            "bwk,kwh->bhk", output_shape=(horizon, targets), kernel_initializer="zeros", dtype="float32", name="linear"
        )
        return layer, layer(relative)
    layer = keras.layers.DepthwiseConv1D(
        window, depth_multiplier=horizon, depthwise_initializer="zeros", dtype="float32", name="linear"
    )
    found = layer(keras.layers.ZeroPadding1D((window - 1, 0))(relative))  # (batch, window, targets * horizon)
    return layer, ops.transpose(ops.reshape(found, (-1, window, targets, horizon)), (0, 1, 3, 2))


def _start_as_naive(path: keras.layers.Layer, way: Way, window: int, horizon: int, season: int) -> None:
    """Let the linear path repeat the last season, or the last value if the window is shorter than a season."""
    lag = season if season <= window else 1
    steps = np.arange(horizon)
    kernel = np.zeros((window, horizon), np.float32)
    kernel[window - lag + steps % lag, steps] = 1.0
    if way == "sequence":
        targets = path.get_weights()[0].shape[1]
        path.set_weights([np.repeat(kernel[:, None], targets, axis=1), *path.get_weights()[1:]])
    else:
        targets = path.get_weights()[0].shape[0]
        path.set_weights([np.repeat(kernel[None], targets, axis=0), *path.get_weights()[1:]])


def _start_small(model: keras.Model) -> None:
    """Let the recurrent layers add almost nothing at first, so that training starts from the linear path."""
    for name in ("logits", "forecast", "ahead_forecast"):
        layer = next((one for one in model.layers if one.name == name), None)
        if layer is not None and not (name == "logits" and any(one.name == "forecast" for one in model.layers)):
            layer.kernel.assign(layer.kernel * 0.1)
