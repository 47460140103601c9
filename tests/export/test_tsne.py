import numpy as np
import pytest

from rnn_tasks import export


def two_clusters(size=40, units=16):
    """Directions around two orthogonal axes, of all lengths."""
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(2, units), size, axis=0)
    lengths = rng.uniform(0.5, 5, (2 * size, 1))
    return (centres + rng.normal(0, 0.05, centres.shape)) * lengths


def test_tsne_keeps_separate_clusters_apart():
    points = export.tsne_points(two_clusters(), seed=1)
    assert points.shape == (80, 2)
    left, right = points[:40], points[40:]
    gap = np.linalg.norm(left.mean(axis=0) - right.mean(axis=0))
    widest = max(np.linalg.norm(side - side.mean(axis=0), axis=1).max() for side in (left, right))
    assert gap > 2 * widest
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-3)


def test_tsne_is_the_same_for_the_same_seed_and_any_lengths():
    vectors = two_clusters(15)
    points = export.tsne_points(vectors, seed=3)
    np.testing.assert_array_equal(points, export.tsne_points(vectors, seed=3))
    np.testing.assert_array_equal(points, export.tsne_points(vectors * 4.0, seed=3))


@pytest.mark.parametrize("words", [0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("units", [1, 5])
def test_tsne_takes_few_words_and_units(words, units):
    vectors = np.random.default_rng(0).normal(size=(words, units))
    points = export.tsne_points(vectors, seed=0)
    assert points.shape == (words, 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize("vectors", [np.zeros((6, 3)), np.ones((6, 3))])
def test_tsne_of_equal_vectors_is_finite(vectors):
    assert np.isfinite(export.tsne_points(vectors, seed=0)).all()


def test_most_frequent_words():
    assert export.most_frequent([0, 5, 9, 0, 5, 1], limit=3).tolist() == [2, 1, 4]
    assert export.most_frequent([0, 5, 9, 0, 5, 1]).tolist() == [2, 1, 4, 5]


def test_cosine_neighbours_by_hand():
    vectors = [[1, 0], [10, 1], [0, 2], [-3, 0]]
    indices, similarities = export.cosine_neighbours(vectors, k=2)
    assert indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    np.testing.assert_allclose(similarities[0], [10 / np.sqrt(101), 0], atol=1e-6)
    np.testing.assert_allclose(similarities[3], [0, -10 / np.sqrt(101)], atol=1e-6)


def test_cosine_neighbours_agree_with_brute_force_beyond_one_chunk():
    vectors = np.random.default_rng(1).normal(size=(1500, 8))
    indices, similarities = export.cosine_neighbours(vectors, k=3)
    for row in (0, 1023, 1024, 1499):
        cosines = vectors @ vectors[row] / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(vectors[row]))
        cosines[row] = -2
        expected = np.argsort(-cosines)[:3]
        assert indices[row].tolist() == expected.tolist()
        np.testing.assert_allclose(similarities[row], cosines[expected], atol=1e-6)


@pytest.mark.parametrize(("words", "given"), [(0, 0), (1, 0), (3, 2)])
def test_few_words_have_few_neighbours(words, given):
    assert export.cosine_neighbours(np.zeros((words, 4)), k=10).indices.shape == (words, given)
