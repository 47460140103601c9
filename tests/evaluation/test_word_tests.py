"""What word vectors are judged by, on vectors made so that the answers are known."""

import numpy as np
import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.evaluation import word_tests
from rnn_tasks.evaluation.ppmi import cooccurrences, ppmi, ppmi_vectors
from rnn_tasks.text import WordForm


def on_a_circle(degrees):
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)])


def test_similarity_is_spearmans_on_known_pairs():
    unit = on_a_circle([0, 10, 40, 90])
    rows = {"a": 0, "b": 1, "c": 2, "d": 3}
    pairs = [word_tests.WordPair(*one) for one in (("a", "b", 9), ("a", "c", 3), ("a", "d", 4), ("a", "zebra", 10))]
    found = word_tests.similarity(unit, rows, pairs)
    assert found.score == pytest.approx(0.5)  # ranks 1 2 3 against 1 3 2
    assert (found.answered, found.asked, found.coverage) == (3, 4, 0.75)
    assert np.isnan(word_tests.similarity(unit, {}, pairs).score)


def test_analogies_leave_out_what_was_given():
    words = ["king", "queen", "man", "woman", "tree"]
    unit = np.array([[1, 1, 0, 0], [1, -1, 0, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 0, 0, 1]]) / np.sqrt(2)
    unit[-1] = [0, 0, 0, 1]
    rows = {word: row for row, word in enumerate(words)}
    asked = {
        "royal": [("man", "king", "woman", "queen"), ("king", "queen", "man", "tree")],
        "none": [("a", "b", "c", "d")],
    }
    found = word_tests.analogies(unit, rows, asked)
    assert found["royal"] == word_tests.Covered(0.5, 2, 2)
    assert (found["none"].answered, found["none"].asked) == (0, 1)
    assert word_tests.together(list(found.values())) == word_tests.Covered(0.5, 2, 3)


def test_classes():
    unit, classes = on_a_circle([0, 2, 5, 8, 90, 93, 95, 99, 3]), np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    assert word_tests.nearest_of_class(unit, classes).mean() == pytest.approx(
        1 - 3 / 9
    )  # the last, and the two beside it
    assert word_tests.purity(unit, classes, 0) == pytest.approx(8 / 9)
    assert word_tests.odd_one_out(unit[:-1], classes[:-1], 0) == 1
    assert np.isnan(word_tests.odd_one_out(unit[:5], np.array([0, 0, 1, 1, 2]), 0))


def test_files_are_read(tmp_path):
    path = tmp_path / "file"
    path.write_text("Word 1,Word 2,Human (mean)\nlove,sex,6.77\n\ntiger\tcat\t7.35\n")
    assert word_tests.read_similarity(path) == [("love", "sex", 6.77), ("tiger", "cat", 7.35)]
    form = WordForm(lowercase=True, apostrophes=True).word
    path.write_text("New  York\tDon’t\t1\n")
    assert word_tests.read_similarity(path, form) == [("new_york", "don't", 1)]
    path.write_text(": capitals\nAthens Greece Oslo Norway\n: family\nboy girl he she\n")
    assert word_tests.read_analogies(path) == {
        "capitals": [("Athens", "Greece", "Oslo", "Norway")],
        "family": [("boy", "girl", "he", "she")],
    }
    path.write_text("cat\tanimal\noak\ttree\ncat\tanimal\n")
    assert word_tests.read_classes(path) == {"cat": "animal", "oak": "tree"}


@pytest.mark.parametrize(
    "line",
    [
        "tea\tice cream\t7.35",
        "tea;ice cream;7,35",
        "tea , ice cream , 7.35, 1, 2",
        '"tea","ice cream","7.35"',
        "tea\tice cream\t7,35\tN",
        "# of 10\nword\tword\tscore\ntea\tice cream\t7,35",
    ],
)
def test_separators_and_decimal_marks_of_similarity(tmp_path, line):
    path = tmp_path / "file"
    path.write_text(f"{line}\n")
    assert word_tests.read_similarity(path) == [("tea", "ice cream", 7.35)]
    path.write_text(f"{line.replace('ice cream', 'ice')}\ntea  ice 7,35\n")
    assert word_tests.read_similarity(path) == [("tea", "ice", 7.35)] * 2


@pytest.mark.parametrize(
    ("read", "content", "said"),
    [
        ("similarity", "a,b,1\na,b,7,35\n", "line 2: found 'a,b,7,35'; accepted is word<TAB>word<TAB>score"),
        ("similarity", "head\na,b\nc\td\t1", "line 2: found 'a,b'"),
        ("similarity", "a\tb\t1\na\t\t1", "line 2: found 'a\\t\\t1'"),
        ("similarity", "a\tb\t1\na\tb\n", "line 2: found 'a\\tb'; accepted is word<TAB>word<TAB>score"),
        ("similarity", "only a header\n", "no pair of words"),
        ("analogies", ": s\na b c\n", "line 2: found 'a b c'; accepted are four words"),
        ("analogies", ": s\n", "no question"),
        ("classes", "a\tx\na\ty\n", "line 2: 'a' is 'y', but 'x' above"),
        ("classes", "a\tx\nb\n", "line 2: found 'b'; accepted is word<TAB>class"),
        ("classes", "a\tx\n", "1 classes; accepted are two or more"),
    ],
)
def test_other_files_are_one_line(tmp_path, read, content, said):
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(UserError) as error:
        getattr(word_tests, f"read_{read}")(path)
    assert said in str(error.value)
    assert str(error.value).startswith(str(path))


def test_cooccurrences_by_hand():
    ids = np.array([1, 2, 3, 0, 2, 1, 0], np.int32)
    expected = np.zeros((4, 4))
    for one, other, count in ((1, 2, 2), (2, 3, 1), (1, 3, 0.5)):
        expected[one, other] = expected[other, one] = count
    np.testing.assert_allclose(cooccurrences(ids, 4, 2).toarray(), expected)
    np.testing.assert_allclose(cooccurrences(ids, 3, 2).toarray(), expected[:3, :3])


def test_ppmi_by_hand_and_its_factors():
    ids = np.array([1, 2, 0, 1, 2, 0, 3, 4, 0, 1, 4, 0], np.int32)
    counts = cooccurrences(ids, 5, 1)
    dense, share = counts.toarray(), counts.toarray().sum(0)
    smoothed = share**0.75 / np.sum(share**0.75)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.log(dense / dense.sum(1, keepdims=True) / smoothed)
    expected = np.where(dense > 0, np.maximum(np.nan_to_num(expected, neginf=0), 0), 0)
    np.testing.assert_allclose(ppmi(counts).toarray(), expected)
    vectors, contexts = ppmi_vectors(ids, 5, 1, dim=4, seed=0, total=7)
    assert vectors.shape == contexts.shape == (7, 4)
    np.testing.assert_allclose(vectors[:5] @ contexts[:5].T, expected, atol=1e-5)  # rank 4: word 0 never occurs
