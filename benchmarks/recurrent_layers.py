"""Recurrent layers side by side: ours, Keras' own (the better of graph and XLA) and torch's, on the same work.

    python benchmarks/recurrent_layers.py [--repeats 20] [--only TEXT]

Every contender of a case runs in turn, round after round, in one process; medians count. A pause lets the threads of
the one before come to rest, an untimed run brings back what the pause and the others drove out of the caches, and what
takes less than 10 ms is timed several times in a row. torch is no dependency: without it (`pip install torch==2.13.0`)
its columns stay empty. A figure is forward and backward over one layer with all its gradients, unless the case says
inference.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from _side_by_side import Case, Run, ceiling, compare, processor

from rnn_tasks import layers

try:
    import torch
except ImportError:
    torch = None

THREADS = len(os.sched_getaffinity(0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--only", default="", help="cases whose title has this text")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    if torch is not None:
        torch.set_num_threads(THREADS)
    versions = f"tensorflow {tf.__version__}, keras {keras.__version__}, torch {torch and torch.__version__}"
    print(f"{processor()}, {THREADS} cores; {versions}; medians of {options.repeats}")
    print(f"float32 ceiling (2048 x 2048 x 2048, the best of TensorFlow and torch): {ceiling():.0f} GFLOP/s\n")
    for case in cases():
        if options.only in case.title:
            compare(case, options.repeats)


def cases() -> list[Case]:
    shapes = {"128x50, 512->512": (128, 50, 512, 512), "64x20, 256->256": (64, 20, 256, 256)}
    small = {"32x100, 128->128": (32, 100, 128, 128)}
    wanted = {
        "128x50, 512->512": {"keras": (1.2, 1.3), "torch": (1.15, 1.3)},
        "64x20, 256->256": {"keras": (1.3, 1.8), "torch": (0.8, 1.1)},
        "32x100, 128->128": {"keras": (1.3, 2.0), "torch": (0.7, 1.0)},
    }
    found = [_training("LSTM", name, shape, wanted[name]) for name, shape in {**shapes, **small}.items()]
    for kind in ("GRU", "SimpleRNN"):
        found += [
            _training(kind, name, shape, {"keras": (1.2, 1.5), "torch": (1.3, 2.0)}) for name, shape in shapes.items()
        ]
    found += [_custom_loop(kind, "64x20, 256->256", shapes["64x20, 256->256"]) for kind in ("LSTM", "GRU")]
    found.append(_masked_recurrent_dropout(64, 20, 256))
    found.append(_cell("PeepholeLSTM 64x20, 256->256", layers.PeepholeLSTMCell, 64, 20, 256))
    found += [_attention_decoder(kind, 64, 20, 256) for kind in ("Luong", "Bahdanau")]
    found.append(_output_projection(64, 20, 256, 1000))
    found.append(_inference(1, 100, 256))
    for name, shape in shapes.items():
        found.append(_bfloat16(name, shape))
    return found


def _training(kind: str, name: str, shape: tuple[int, int, int, int], targets: dict) -> Case:
    batch, steps, features, units = shape
    gates = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[kind]
    ours, theirs = getattr(layers, kind), getattr(keras.layers, kind)
    inputs = _normal(batch, steps, features)

    def of(layer_kind, jit):
        return lambda: _gradients(layer_kind(units, return_sequences=True), inputs, jit)

    contenders = {"ours": of(ours, False), "keras graph": of(theirs, False), "keras XLA": of(theirs, True)}
    if torch is not None:
        contenders["torch"] = lambda: _torch_gradients(kind, shape)
    return Case(f"{kind} {name}", 6e-9 * batch * steps * gates * units * (features + units), contenders, targets)


def _custom_loop(kind: str, name: str, shape: tuple[int, int, int, int]) -> Case:
    """A tape around a call that does not say `training=True`, as many loops of people's own have it."""
    batch, steps, features, units = shape
    inputs = _normal(batch, steps, features)

    def of(package, training, jit=False):
        return lambda: _gradients(getattr(package, kind)(units, return_sequences=True), inputs, jit, training=training)

    contenders = {
        "ours": of(layers, None),
        "training=True": of(layers, True),
        "keras graph": of(keras.layers, None),
        "keras XLA": of(keras.layers, None, jit=True),
    }
    flops = 6e-9 * batch * steps * {"LSTM": 4, "GRU": 3}[kind] * units * (features + units)
    targets = {"keras": (1.3, 1.5), "training=True": (0.9, 1.0)}
    return Case(f"{kind} in a loop of one's own {name}", flops, contenders, targets)


def _masked_recurrent_dropout(batch: int, steps: int, units: int) -> Case:
    inputs = _normal(batch, steps, units)
    lengths = np.random.default_rng(0).integers(steps // 2, steps + 1, size=batch)
    mask = tf.sequence_mask(lengths, steps)

    def of(kind, jit):
        layer = kind(units, return_sequences=True, recurrent_dropout=0.25)
        return lambda: _gradients(layer, inputs, jit, mask=mask, training=True)

    contenders = {
        "ours": of(layers.LSTM, False),
        "keras graph": of(keras.layers.LSTM, False),
        "keras XLA": of(keras.layers.LSTM, True),
    }
    title = f"LSTM with recurrent_dropout and a mask {batch}x{steps}, {units}->{units}"
    return Case(title, 6e-9 * batch * steps * 8 * units**2, contenders, {"keras": (1.3, 2.0)})


def _cell(title: str, kind: Any, batch: int, steps: int, units: int) -> Case:
    inputs = _normal(batch, steps, units)

    def of(layer_kind, jit):
        return lambda: _gradients(layer_kind(kind(units), return_sequences=True), inputs, jit)

    contenders = {
        "ours": of(layers.RNN, False),
        "keras graph": of(keras.layers.RNN, False),
        "keras XLA": of(keras.layers.RNN, True),
    }
    return Case(title, 6e-9 * batch * steps * 8 * units**2, contenders, {"keras": (1.5, 2.5)})


def _attention_decoder(kind: str, batch: int, steps: int, units: int) -> Case:
    """Attention over a memory as long as the output, the attention vector fed back into an LSTM."""
    inputs, memory = _normal(batch, steps, units), _normal(batch, steps, units)

    def cell():
        attention = getattr(layers, f"{kind}Attention")(units)
        return layers.AttentionWrapper(layers.LSTMCell(units), attention, attention_units=units, activation="tanh")

    def ours():
        return _gradients(layers.RNN(cell(), return_sequences=True), inputs, False, memory=memory)

    def theirs(jit):
        wrapper = cell()
        wrapper.expect_memory(units)
        layer = keras.layers.RNN(wrapper, return_sequences=True)
        return _gradients(layer, inputs, jit, before=lambda: wrapper.setup_memory(memory))

    contenders = {"ours": ours, "keras graph": lambda: theirs(False), "keras XLA": lambda: theirs(True)}
    flops = 6e-9 * batch * steps * (4 * units * 3 * units + 2 * units * units + 2 * steps * units)
    flops += 6e-9 * batch * steps * units * units * (kind == "Bahdanau")  # the queries
    title = f"{kind} attention decoder with input feeding {batch}x{steps}, {units}->{units}"
    return Case(title, flops, contenders, {"keras": (1.5, 2.5)})


def _output_projection(batch: int, steps: int, units: int, width: int) -> Case:
    """The same function twice: projected inside the cell, and by one Dense over all outputs."""
    inputs = _normal(batch, steps, units)

    def inside(kind, cell):
        layer = kind(layers.OutputProjectionWrapper(cell(units), width), return_sequences=True)
        return lambda: _gradients(layer, inputs, False)

    def after():
        behind = [layers.LSTM(units, return_sequences=True), keras.layers.Dense(width)]
        return _gradients(keras.Sequential([keras.Input(inputs.shape[1:]), *behind]), inputs, False)

    contenders = {
        "ours": inside(layers.RNN, layers.LSTMCell),
        "Dense after it": after,
        "step by step": inside(keras.layers.RNN, layers.LSTMCell),
    }
    flops = 6e-9 * batch * steps * (8 * units**2 + units * width)
    title = f"LSTM with its output projected {batch}x{steps}, {units}->{units}->{width}"
    return Case(title, flops, contenders, {"step by step": (1.0, 1.0)})


def _inference(batch: int, steps: int, units: int) -> Case:
    inputs = _normal(batch, steps, units)

    def of(kind, way):
        def make():
            layer = kind(units)
            layer.build(inputs.shape)
            run = tf.function(layer, jit_compile=way == "XLA")
            with layers.native_inference() if way == "native" else contextlib.nullcontext():
                run(inputs)
            return lambda: np.asarray(run(inputs))

        return make

    contenders = {
        "ours": of(layers.LSTM, "native"),
        "portable graph": of(layers.LSTM, "graph"),
        "keras graph": of(keras.layers.LSTM, "graph"),
        "keras XLA": of(keras.layers.LSTM, "XLA"),
    }
    if torch is not None:
        contenders["torch"] = lambda: _torch_inference(batch, steps, units)
    title = f"LSTM inference {batch}x{steps}, {units}->{units}"
    return Case(title, 2e-9 * batch * steps * 8 * units**2, contenders, {"keras": (2.0, 4.0), "torch": (0.8, 1.2)})


def _bfloat16(name: str, shape: tuple[int, int, int, int]) -> Case:
    batch, steps, features, units = shape
    inputs = _normal(batch, steps, features)

    def of(dtype):
        return lambda: _gradients(layers.LSTM(units, return_sequences=True, dtype=dtype), inputs, False)

    contenders = {"ours": of("mixed_bfloat16"), "ours float32": of("float32")}
    if torch is not None:
        contenders["torch"] = lambda: _torch_gradients("LSTM", shape, autocast=True)
    flops = 6e-9 * batch * steps * 4 * units * (features + units)
    return Case(f"LSTM in bfloat16 {name}", flops, contenders, {"ours float32": (1.3, 1.8), "torch": (0.8, 1.1)})


def _gradients(layer: Any, inputs: tf.Tensor, jit: bool, before: Any = None, **arguments) -> Run:
    """One training step of a layer without its update: the gradients of inputs and weights."""

    def outputs():
        if before is not None:
            before()
        return layer(inputs, **arguments)

    upstream = tf.ones_like(outputs())

    @tf.function(jit_compile=jit)
    def step():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            found = layer_outputs()
        return tape.gradient(found, [inputs, *[v.value for v in layer.trainable_variables]], output_gradients=upstream)

    def layer_outputs():
        if before is not None:
            before()
        return layer(inputs, **{"training": True, **arguments})

    return lambda: [np.asarray(gradient)[:0] for gradient in step()[-1:]]


def _torch_gradients(kind: str, shape: tuple[int, int, int, int], autocast: bool = False) -> Run:
    batch, steps, features, units = shape
    layer = getattr(torch.nn, {"SimpleRNN": "RNN"}.get(kind, kind))(features, units, batch_first=True)
    inputs = torch.randn(batch, steps, features, requires_grad=True)
    upstream = torch.ones(batch, steps, units)

    def step():
        layer.zero_grad()
        inputs.grad = None
        with torch.autocast("cpu", torch.bfloat16) if autocast else contextlib.nullcontext():
            outputs = layer(inputs)[0]
        outputs.backward(upstream.to(outputs.dtype))

    return step


def _torch_inference(batch: int, steps: int, units: int) -> Run:
    layer = torch.nn.LSTM(units, units, batch_first=True)
    inputs = torch.randn(batch, steps, units)

    def step():
        with torch.inference_mode():
            layer(inputs)

    return step


def _normal(*shape: int) -> tf.Tensor:
    return tf.random.stateless_normal(shape, seed=[1, 2])


if __name__ == "__main__":
    main()
