"""Word vectors as files: gensim reads them, they give the same back, and other files are refused in one line."""

import gzip

import numpy as np
import pytest
from gensim.models import KeyedVectors

from rnn_tasks.errors import UserError
from rnn_tasks.export import read_vectors, write_word_vectors
from rnn_tasks.export.vector_files import write_binary, write_npz, write_text

WORDS = ["chat", "l'￭", "日本", "<b>", "x"]
VECTORS = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32) * np.float32([[1e-20], [1e20], [1], [1], [0]])
WRITERS = {"vectors.txt": write_text, "vectors.bin": write_binary, "vectors.npz": write_npz}


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.bin"])
def test_gensim_reads_them_to_the_bit(tmp_path, name):
    path = WRITERS[name](tmp_path / name, WORDS, VECTORS)
    read = KeyedVectors.load_word2vec_format(path, binary=name.endswith(".bin"))
    assert read.index_to_key == WORDS
    np.testing.assert_array_equal(read.vectors, VECTORS)


@pytest.mark.parametrize("name", WRITERS)
def test_they_give_the_same_back(tmp_path, name):
    words, vectors = read_vectors(WRITERS[name](tmp_path / name, WORDS, VECTORS))
    assert words == WORDS
    np.testing.assert_array_equal(vectors, VECTORS)


@pytest.mark.parametrize("binary", [False, True])
def test_what_gensim_writes_is_read(tmp_path, binary):
    table = KeyedVectors(7)
    table.add_vectors(WORDS, VECTORS)
    path = tmp_path / ("vectors.bin" if binary else "vectors.vec")
    table.save_word2vec_format(path, binary=binary)
    words, vectors = read_vectors(path)
    assert words == WORDS
    np.testing.assert_allclose(vectors, VECTORS, rtol=1e-6)


def test_text_without_a_head_and_packed(tmp_path):
    path = tmp_path / "glove.txt.gz"
    path.write_bytes(gzip.compress(b"the 1 2\nof 3 4.5\n"))
    words, vectors = read_vectors(path)
    assert words == ["the", "of"]
    assert vectors.tolist() == [[1, 2], [3, 4.5]]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"the 1 2\nof 3\n", "line 2: found 1 numbers after the word; accepted are 2"),
        ("a.txt", b"the 1 2\nof 3 x\n", "line 2: found 'of 3 x'"),
        ("a.txt", b"", "empty"),
        ("a.bin", b"2 3\nthe \0\0\0\0", "ends after 0 of 2 words"),
        ("a.bin", b"words\n", "does not begin with the number of words"),
        ("a.npz", b"PK no archive", "cannot be read|no word vectors"),
        ("a.gz", b"", "accepted are word vectors"),
        ("a.txt.gz", b"no gzip", "cannot be read"),
    ],
)
def test_other_files_are_one_line(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=said) as error:
        read_vectors(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_words_with_spaces_are_refused_and_nothing_is_left(tmp_path):
    for write in (write_text, write_binary):
        with pytest.raises(ValueError, match="'a b' cannot be written"):
            write(tmp_path / "vectors", ["a b"], np.ones((1, 2)))
    assert not list(tmp_path.iterdir())


def test_all_files_of_a_table_with_colours(tmp_path):
    words, counts = [*WORDS, "a b", "never"], [9, 8, 7, 6, 5, 4, 0]
    vectors = np.vstack([VECTORS, np.ones((2, 7))])
    groups = ["animal", "word", "place", "word", "word", "two words", "none"]
    files = write_word_vectors(tmp_path, "words", vectors, words, counts, groups=groups, column="class")
    assert all(path.is_file() for path in files.values())
    assert (tmp_path / "words" / "metadata.tsv").read_text().split("\n")[:2] == [
        "token\tcount\tclass",
        "chat\t9\tanimal",
    ]
    assert '"groups":["animal","word","place","two words"]' in files["words_tsne_page"].read_text()
    assert read_vectors(files["words_npz"]).words == words
    assert read_vectors(files["words_text"]).words == [*WORDS, "never"]  # one of two words has no place in it
