"""Training a language model on parallel streams, and writing with it: this project's beside torch and Keras.

    python benchmarks/language_model.py [--rounds 9] [--batches 10] [--units 512] [--layers 1] [--only train|write]

All read the same noise in the same streams, carry their states from batch to batch, cut gradients off at the batch,
clip them to a norm and take Adam's steps; Keras trains a stateful model by `train_on_batch`, by itself and compiled by
XLA, and ours is compared with the faster one. torch is measured where it is installed (`pip install torch==2.13.0`; its
CUDA build brings triton, which does not go with TensorFlow in one process: `pip uninstall triton`). Rounds are
interleaved, figures medians over all but the first, which compiles. Writing is one stream, one character after the
other, by the SavedModel's endpoint.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks import export as exporting
from rnn_tasks import models, text, training
from rnn_tasks.config import TrainingConfig
from rnn_tasks.text.config import StreamConfig
from rnn_tasks.training.optimizers import build_optimizer
from rnn_tasks.training.step import compiled_step

try:
    import torch
except ImportError:
    torch = None

THREADS = len(os.sched_getaffinity(0))
VOCABULARY, EMBEDDING, CLIP, RATE = 65, 64, 1.0, 0.002
WRITTEN = 2000

Batch = dict[str, np.ndarray]
Epoch = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds of each")
    parser.add_argument("--batches", type=int, default=10, help="batches a round")
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--truncation", type=int, default=128)
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--only", choices=("train", "write"))
    options = parser.parse_args()
    if options.only != "write":
        _train(options)
    if options.only != "train":
        _write(options)


def _train(options: argparse.Namespace) -> None:
    characters = options.batches * options.streams * options.truncation
    ids = np.random.default_rng(1).integers(4, VOCABULARY, characters).astype(np.int32)
    batches = list(training.StreamBatches(ids, np.zeros(1, np.int64), options.streams, options.truncation).epoch())
    ways: dict[str, Epoch] = {"ours": _ours(options, batches)}
    if torch is not None:
        ways["torch"] = _torch(options, batches)
    ways |= {name: _keras(options, batches, xla) for name, xla in (("Keras", False), ("Keras XLA", True))}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(options.rounds + 1):
        for name, train in ways.items():
            time.sleep(0.2)  # the threads of the one before come to rest
            before = time.perf_counter()
            train()
            if number:
                seconds[name].append(time.perf_counter() - before)
    speeds = {name: characters / statistics.median(found) for name, found in seconds.items()}
    shape = f"{options.layers} × LSTM {options.units}, {options.streams} streams, {options.truncation} steps"
    print(f"characters a second in training, {shape}")
    for name, speed in speeds.items():
        print(f"  {name:10}{speed:10,.0f}   ours is {speeds['ours'] / speed:.2f} times as fast")


def _ours(options: argparse.Namespace, batches: list[Batch]) -> Epoch:
    config = TrainingConfig(learning_rate=RATE, clip_norm=CLIP)
    with training.training_scope(config, seed=1):
        model = _model(options)
        optimizer = build_optimizer(config, model)
        carried = keras.tree.map_structure(
            lambda state: keras.Variable(np.asarray(state), trainable=False), model.first_states(options.streams)
        )

        def loss(model: keras.Model, batch: dict, is_training: bool) -> training.StepLoss:
            states = training.reset_states(batch["carried"], batch["resets"])
            hidden, after = model.hidden(batch["inputs"], states, training=is_training)
            part = training.sequence_cross_entropy(model.logits(hidden), batch["targets"])
            return part._replace(carried=after)

        step = compiled_step(model, optimizer, loss, config, carried)
    return lambda: [float(step(batch)[0]) for batch in batches]


def _model(options: argparse.Namespace) -> models.LanguageModel:
    return models.LanguageModel(VOCABULARY, units=options.units, layers=options.layers, embedding_dim=EMBEDDING)


def _keras(options: argparse.Namespace, batches: list[Batch], jit_compile: bool) -> Epoch:
    hidden = inputs = keras.Input((options.truncation,), batch_size=options.streams, dtype="int32")
    hidden = keras.layers.Embedding(VOCABULARY, EMBEDDING)(hidden)
    for _ in range(options.layers):
        hidden = keras.layers.LSTM(options.units, return_sequences=True, stateful=True)(hidden)
    model = keras.Model(inputs, keras.layers.Dense(VOCABULARY)(hidden))
    model.compile(
        keras.optimizers.Adam(RATE, global_clipnorm=CLIP),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit_compile,
    )
    return lambda: [float(model.train_on_batch(batch["inputs"], batch["targets"])) for batch in batches]


def _torch(options: argparse.Namespace, batches: list[Batch]) -> Epoch:
    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    embedding = torch.nn.Embedding(VOCABULARY, EMBEDDING)
    recurrent = torch.nn.LSTM(EMBEDDING, options.units, options.layers, batch_first=True)
    output = torch.nn.Linear(options.units, VOCABULARY)
    weights = [*embedding.parameters(), *recurrent.parameters(), *output.parameters()]
    optimizer = torch.optim.Adam(weights, RATE)

    def epoch() -> None:
        states = None
        for batch in batches:
            optimizer.zero_grad()
            hidden, after = recurrent(embedding(torch.from_numpy(batch["inputs"]).long()), states)
            states = tuple(state.detach() for state in after)
            targets = torch.from_numpy(batch["targets"]).long().flatten()
            loss = torch.nn.functional.cross_entropy(output(hidden).flatten(0, 1), targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, CLIP)
            optimizer.step()
            float(loss.detach())

    return epoch


def _write(options: argparse.Namespace) -> None:
    model = _model(options)
    letters = [(chr(code), 1) for code in range(ord("0"), ord("0") + VOCABULARY - 4)]
    tokenizer = text.StreamTokenizer(text.Vocabulary.from_pairs(letters), StreamConfig())
    with tempfile.TemporaryDirectory() as directory:
        writer = exporting.TextWriter(model, tokenizer)
        exporting.export_model(model, writer.endpoints(), Path(directory), resources=[tokenizer])
        served = exporting.load_endpoints(Path(directory))
        for name, (top_k, top_p) in {"all characters": (0, 1.0), "top_k=10, top_p=0.9": (10, 0.9)}.items():
            drawing = tf.constant(0.8), tf.constant(top_k), tf.constant(top_p), tf.constant(1)
            seconds = []
            for number in range(options.rounds + 1):
                before = time.perf_counter()
                served.generate(tf.constant(["A"]), tf.constant(WRITTEN), *drawing)
                if number:
                    seconds.append(time.perf_counter() - before)
            speed = WRITTEN / statistics.median(seconds)
            print(f"characters a second written by {options.layers} × LSTM {options.units}, {name}: {speed:,.0f}")


if __name__ == "__main__":
    main()
