"""Saved models load in processes that have imported the package and nothing of it."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest

import rnn_tasks
from rnn_tasks import layers, media, models
from rnn_tasks.saved_classes import PACKAGES

WIDTH = 3
SEQUENCES = np.random.default_rng(0).normal(size=(2, 4, WIDTH)).astype("float32")
IDS = np.array([[4, 5, 6], [5, 0, 0]], np.int32)


def over(layer, attends=False):
    sequences = keras.Input((None, WIDTH))
    return keras.Model(sequences, layer(sequences, memory=sequences) if attends else layer(sequences))


def over_images(layer):
    images = keras.Input(SEQUENCES.shape[1:])
    return keras.Model(images, layer(images))


def layer_of(name):
    return over(getattr(layers, name)(WIDTH))


def cell_of(name):
    return over(layers.RNN(getattr(layers, name)(WIDTH)))


def attending(attention):
    return over(layers.RNN(layers.AttentionWrapper(layers.LSTMCell(WIDTH), attention)), attends=True)


def wrapped(wrapper, *arguments):
    return over(layers.RNN(wrapper(layers.GRUCell(WIDTH), *arguments)))


LAYERS = ("LSTM", "GRU", "SimpleRNN")
CELLS = ("BasicRNNCell", "GRUCell", "IRNNCell", "LSTMCell", "LayerNormLSTMCell", "PeepholeLSTMCell")
MODELS = {
    **{name: partial(layer_of, name) for name in LAYERS},
    **{name: partial(cell_of, name) for name in CELLS},
    "AttentionPooling": lambda: over(layers.AttentionPooling(WIDTH)),
    "AttentionWrapper": lambda: attending(layers.LuongAttention(WIDTH)),
    "LuongAttention": lambda: attending(layers.LuongAttention(WIDTH, score="dot")),
    "BahdanauAttention": lambda: attending(layers.BahdanauAttention(2)),
    "Bidirectional": lambda: over(layers.Bidirectional(layers.LSTM(WIDTH))),
    "DeviceWrapper": lambda: wrapped(layers.DeviceWrapper, "CPU:0"),
    "DropoutWrapper": lambda: wrapped(layers.DropoutWrapper, 0.5),
    "HighwayWrapper": lambda: wrapped(layers.HighwayWrapper),
    "InputProjectionWrapper": lambda: wrapped(layers.InputProjectionWrapper, 2),
    "OutputProjectionWrapper": lambda: wrapped(layers.OutputProjectionWrapper, 2),
    "ResidualWrapper": lambda: wrapped(layers.ResidualWrapper),
    "MultiRNNCell": lambda: over(keras.layers.RNN(layers.MultiRNNCell([layers.GRUCell(WIDTH)]))),
    "RNN": lambda: over(layers.RNN(keras.layers.LSTMCell(WIDTH))),
    "SequenceMask": lambda: models.sequence_to_vector(features=SEQUENCES.shape[-1], outputs=1, units=3),
    "ImageSequence": lambda: over_images(media.ImageSequence("permuted")),
    "EncoderDecoder": lambda: models.EncoderDecoder(7, 8, units=4, embedding_dim=3),
    "LanguageModel": lambda: models.LanguageModel(7, units=4, layers=2, embedding_dim=3, tied=True),
    "sequence_to_vector": lambda: models.sequence_to_vector(7, outputs=1, units=3),  # no class, but reber's model
}

LOAD = """
import sys, numpy as np
{imports}
assert {before} == ("tensorflow" in sys.modules)
import keras
for name in sys.argv[2:]:
    model = keras.models.load_model(f"{{sys.argv[1]}}/{{name}}.keras")
    given = np.load(f"{{sys.argv[1]}}/{{name}}.npz")
    inputs = {{key: given[key] for key in given if key != "wanted"}}
    found = model(inputs if len(inputs) > 1 else inputs["inputs"])
    np.testing.assert_allclose(found, given["wanted"], atol=1e-5)
    print(name)
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A directory with every model, what goes in and what came out."""
    directory = tmp_path_factory.mktemp("saved")
    for name, build in MODELS.items():
        model = build()
        inputs = {"inputs": IDS if name in ("sequence_to_vector", "LanguageModel") else SEQUENCES}
        if name == "SequenceMask":
            inputs["lengths"] = np.arange(1, len(SEQUENCES) + 1, dtype=np.int32)
        if name == "EncoderDecoder":
            inputs = {"source": IDS, "target_in": IDS}
        wanted = model(inputs if len(inputs) > 1 else inputs["inputs"])
        model.save(directory / f"{name}.keras")
        np.savez(directory / f"{name}.npz", **inputs, wanted=wanted)
    return directory


@pytest.mark.parametrize("imports", ["import rnn_tasks", "import keras; from rnn_tasks import layers"])
def test_every_class_is_found(saved, imports):
    """By what imports least, before Keras and after; the class that imports many others itself comes last."""
    program = LOAD.format(imports=imports, before="keras" in imports)
    names = sorted(MODELS, key=lambda name: name == "RNN")
    done = subprocess.run([sys.executable, "-c", program, saved, *names], capture_output=True, text=True, check=False)
    assert done.stdout.split() == names, done.stderr


def test_no_class_is_left_out():
    """Every class that registers itself, anywhere in the package, is offered, and is saved above."""
    for module in pkgutil.walk_packages(rnn_tasks.__path__, "rnn_tasks."):
        importlib.import_module(module.name)
    found = {name.split(">")[1]: cls for name, cls in keras.saving.get_custom_objects().items() if "rnn_tasks>" in name}
    registered = {name for name, cls in found.items() if keras.saving.get_registered_name(cls) == f"rnn_tasks>{name}"}
    assert registered == MODELS.keys() - {"sequence_to_vector"}
    assert registered <= {name for package in PACKAGES for name in importlib.import_module(package).__all__}
