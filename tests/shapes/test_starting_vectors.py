"""`data.vectors`: a network begins with vectors from elsewhere, missing words are counted, wrong files refused."""

import keras
import numpy as np
import pytest

from rnn_tasks import training
from rnn_tasks.config import Section, override
from rnn_tasks.errors import UserError
from rnn_tasks.export.vector_files import write_binary, write_npz, write_text
from rnn_tasks.registry import get_task
from rnn_tasks.shapes.starting_vectors import prepare_vectors, start_from_vectors, vector_files
from rnn_tasks.text import SPECIAL_TOKENS

TOKENS = (*SPECIAL_TOKENS, "The", "house￭", "￭.", "Zebra", "the")
WORDS = ["the", "house", "The", "<pad>", "other"]
VECTORS = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32) * 100


class Data(Section):
    vectors: str = ""
    target_vectors: str = ""


@pytest.fixture(params=[write_text, write_binary, write_npz], ids=["txt", "bin", "npz"])
def data(request, tmp_path):
    path = tmp_path / f"words.{request.node.callspec.id}"
    return Data(vectors=str(request.param(path, WORDS, VECTORS)))


def test_tokens_get_the_vector_of_their_word_and_others_keep_theirs(data, tmp_path):
    assert prepare_vectors(data, "vectors", TOKENS, tmp_path) == {"vectors_found": 3, "vectors_missing": 2}
    layer = keras.layers.Embedding(len(TOKENS), 8)
    layer.build((None,))
    before = layer.embeddings.numpy().copy()
    start_from_vectors(layer, tmp_path, "vectors")
    after = layer.embeddings.numpy()
    found = {4: 2, 5: 1, 8: 0}  # The, house, the
    for row in range(len(TOKENS)):
        if row in found:
            cosine = after[row] @ VECTORS[found[row]] / np.linalg.norm(after[row]) / np.linalg.norm(VECTORS[found[row]])
            assert cosine == pytest.approx(1, abs=1e-5)
        else:
            np.testing.assert_array_equal(after[row], before[row])
    assert np.sqrt(np.mean(after[[4, 5, 8]] ** 2)) == pytest.approx(np.sqrt(np.mean(before**2)), rel=1e-4)


def test_without_the_setting_nothing_happens(tmp_path):
    assert prepare_vectors(Data(), "vectors", TOKENS, tmp_path) == {}
    assert vector_files(Data()) == []
    layer = keras.layers.Embedding(9, 8)
    layer.build((None,))
    before = layer.embeddings.numpy().copy()
    start_from_vectors(layer, tmp_path, "vectors")
    np.testing.assert_array_equal(layer.embeddings.numpy(), before)


def test_what_does_not_fit_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"data.target_vectors: no.txt does not exist; accepted is a file .*\.npz"):
        vector_files(Data(target_vectors="no.txt"))
    data = Data(vectors=str(write_text(tmp_path / "v.txt", WORDS, VECTORS)))
    with pytest.raises(UserError, match="has none of the 1 words"):
        prepare_vectors(data, "vectors", (*SPECIAL_TOKENS, "nothing"), tmp_path)
    prepare_vectors(data, "vectors", TOKENS, tmp_path)
    layer = keras.layers.Embedding(9, 5)
    layer.build((None,))
    with pytest.raises(
        UserError, match=r"data.vectors: found vectors of 8 numbers; accepted are model.embedding_dim, 5"
    ):
        start_from_vectors(layer, tmp_path, "vectors")


@pytest.mark.parametrize(
    ("name", "changes", "tokens", "layer"),
    [
        ("translate", {}, ["house", "The", "old"], "source_embedding"),
        ("language_model", {"data.level": "word"}, ["the", "saw", "old"], "embedding"),
    ],
)
def test_tasks_begin_with_them(name, changes, tokens, layer, tmp_path):
    """The first update's rate is nearly 0: what is kept is what training began with."""
    task = get_task(name)
    file = write_npz(tmp_path / "words.npz", tokens, VECTORS[: len(tokens)])
    rate = {"training.max_steps": 1, "training.learning_rate": 1e-12}
    config = override(task.presets["tiny"], {**changes, **rate, "data.vectors": str(file)})
    assert file in task.inputs(config)
    prepared = task.prepare(config, tmp_path / "prepared")
    assert prepared.counts["vectors_found"] >= 2
    assert prepared.counts["vectors_missing"] > 0
    trained = task.train(config, prepared, tmp_path / "trained", ())
    model = training.load_weights(task.build(config, prepared), trained.weights)
    with np.load(prepared.directory / "vectors.npz") as archive:
        ids, vectors = archive["ids"], archive["vectors"]
    rows = np.asarray(getattr(model, layer).embeddings)[ids]
    cosines = np.sum(rows * vectors, 1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(cosines, 1, atol=1e-5)
