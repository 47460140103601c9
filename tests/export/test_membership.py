"""Endpoints of SavedModels give what the model gives."""

import keras
import numpy as np
import pytest

from rnn_tasks import export, models, text

VOCABULARY = text.character_vocabulary(["BTSXPVE"])


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    directory = tmp_path_factory.mktemp("exported") / "model"
    model = models.sequence_to_vector(len(VOCABULARY), outputs=1, units=6, layers=2, seed=2)
    endpoint, encoder = export.membership_endpoint(model, VOCABULARY)
    paths = export.export_model(model, {"serve": endpoint}, directory, resources=[encoder])
    assert paths == (directory / export.KERAS_MODEL, directory / export.SAVED_MODEL)
    return model, directory


def test_strings_get_the_models_probabilities_in_any_batch(exported):
    model, directory = exported
    judge = export.load_membership(directory)
    strings = ["BTXSE", "B", "PVVE" * 30]
    together = judge(strings)
    for string, ids, probability in zip(strings, text.character_ids(strings, VOCABULARY), together, strict=True):
        logit = float(model(ids[None])[0, 0])
        assert probability == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-5)
        assert judge([string])[0] == pytest.approx(probability, abs=1e-5)


def test_what_is_outside_the_alphabet_has_probability_0(exported):
    judge = export.load_membership(exported[1])
    probabilities = judge(["", "BTé", "😀", "BT BT", "btxse", "BTXSE"])
    assert probabilities[:-1].tolist() == [0, 0, 0, 0, 0]
    assert probabilities[-1] > 0


def test_the_keras_file_is_the_same_model(exported):
    model, directory = exported
    ids = np.array([[4, 5, 6, 7, 0, 0]])
    np.testing.assert_array_equal(keras.models.load_model(directory / export.KERAS_MODEL)(ids), model(ids))
