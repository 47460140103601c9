"""Word vectors as files: gensim reads them, they give the same back, and other files are refused in one line."""

import gzip
import io

import numpy as np
import pytest
from gensim.models import KeyedVectors

from rnn_tasks.errors import UserError
from rnn_tasks.export import read_vectors, write_word_vectors
from rnn_tasks.export.vector_files import write_binary, write_npz, write_text

WORDS = ["chat", "l'￭", "日本", "<b>", "x"]
VECTORS = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32) * np.float32([[1e-20], [1e20], [1], [1], [0]])
WRITERS = {"vectors.txt": write_text, "vectors.bin": write_binary, "vectors.npz": write_npz}


def packed(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


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
        ("a.txt", b"3 2\nthe 1 2\nof 3 4\n", "found 2 words, but its first line says 3"),
        ("a.txt", b"2 3\nthe 1 2\nof 3 4\n", "line 2: found 2 numbers after the word; accepted are 3"),
        ("a.txt", b"the 1 2\nof 3 nan\n", "line 2: found nan; accepted are finite numbers"),
        ("a.txt", b"the 1 2\nof 3 4 5\n", "line 2: found 3 numbers after the word; accepted are 2"),
        ("a.bin", b"1 1\nthe \0\0\0\0\nof \0\0\0\0\n", "goes on after the 1 words"),
        ("a.bin", b"1 1\nthe \0\0\x80\x7f\n", "'the': found inf; accepted are finite numbers"),
        ("a.bin", b"1 3\n" + b"x" * 20_000, "word 1 has no end"),
        ("a.bin", b"1 0\nthe \n", "does not begin with the number of words"),
        ("a.npz", b"PK no archive", "no archive, or one that is cut short"),
        ("a.npz", packed(vectors=VECTORS), r"no word vectors \(words is not a file in the archive\)"),
        ("a.npz", packed(words=WORDS, vectors=VECTORS[:3]), r"found words \(5,\) and vectors \(3, 7\)"),
        ("a.npz", packed(words=WORDS, vectors=np.ones(5)), r"found words \(5,\) and vectors \(5,\)"),
        ("a.npz", packed(words=WORDS, vectors=np.full((5, 2), np.nan)), "'chat': found nan"),
        ("a.npz", packed(words=WORDS, vectors=VECTORS)[:-40], "no archive, or one that is cut short"),
        ("a.npz", packed(words=WORDS, vectors=VECTORS).replace(b"\xe5\x65", b"\0\0"), "corrupt or cut short"),
        ("a.gz", b"", "accepted are word vectors"),
        ("a.txt.gz", b"no gzip", "corrupt or cut short"),
        ("a.txt.gz", gzip.compress(b"the 1 2\n" * 9, mtime=0)[:-12], "corrupt or cut short"),
    ],
)
def test_other_files_are_one_line(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=said) as error:
        read_vectors(path)
    assert str(error.value).startswith(str(path))
    assert str(error.value).count(str(path)) == 1
    assert "\n" not in str(error.value)


def test_an_array_that_is_called_an_archive_is_one_line(tmp_path):
    np.save(tmp_path / "a.npy", VECTORS)
    with pytest.raises(UserError, match="no archive"):
        read_vectors((tmp_path / "a.npy").rename(tmp_path / "a.npz"))


def test_words_of_glove_that_hold_spaces(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("the 1 2\nat name@domain.com 3 4\n. . . 5 6\n")
    words, vectors = read_vectors(path)
    assert words == ["the", "at name@domain.com", ". . ."]
    assert vectors.tolist() == [[1, 2], [3, 4], [5, 6]]


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
