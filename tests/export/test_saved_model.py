"""An export is loaded once and never served stale."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import export, models, text
from rnn_tasks.files import whole_directory
from rnn_tasks.registry import get_task
from rnn_tasks.shapes import YesOrNo
from rnn_tasks.shapes.answers import Answering
from rnn_tasks.tasks import reber

VOCABULARY = text.character_vocabulary(["BTSXPVE"])
STRINGS = ["BTXSE", "BPVVE", "BTSXXTVVE"]


def write(directory, seed):
    """A reader of strings, as `reber` exports it."""
    model = models.sequence_to_vector(len(VOCABULARY), outputs=1, units=3, seed=seed)
    encoder = text.CharacterEncoder(VOCABULARY)
    endpoint = Answering(model, YesOrNo(), steps=False, restrict=reber.only_known_symbols).endpoint(encoder)
    with whole_directory(directory) as aside:
        export.export_model(model, {"serve": endpoint}, aside, resources=[encoder])
    logits = [float(model(ids[None])[0, 0]) for ids in text.character_ids(STRINGS, VOCABULARY)]
    return 1 / (1 + np.exp(-np.array(logits)))


def test_predicting_again_loads_nothing_and_a_new_export_is_loaded(tmp_path, monkeypatch):
    directory, elsewhere, task = tmp_path / "export", tmp_path / "other", get_task("reber")

    def predicted(where):
        return [float(line.split("\t")[0]) for line in task.predict(where, STRINGS, task.predict_options())]

    first, other = write(directory, seed=1), write(elsewhere, seed=2)
    loads, load = [], tf.saved_model.load
    monkeypatch.setattr(tf.saved_model, "load", lambda path: loads.append(path) or load(path))
    for _ in range(2):
        np.testing.assert_allclose(predicted(directory), first, atol=1e-5)
        np.testing.assert_allclose(predicted(elsewhere), other, atol=1e-5)
    assert len(loads) == 2

    second = write(directory, seed=3)
    assert np.abs(second - first).max() > 1e-3
    for _ in range(2):
        np.testing.assert_allclose(predicted(directory), second, atol=1e-5)
    assert len(loads) == 3


def test_a_directory_without_an_export_is_no_export(tmp_path):
    with pytest.raises(OSError, match="SavedModel file does not exist"):
        export.load_endpoints(tmp_path)
