"""Accuracy and confusions of a classifier, and the accuracy of always predicting the commonest class.

Classes are the integers 0 … classes - 1; a binary task has two.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rnn_tasks import activity

logger = logging.getLogger(__name__)
LOGISTIC_EXAMPLES = 60_000
LOGISTIC_STEPS = 100


def accuracy(labels: npt.ArrayLike, predictions: npt.ArrayLike) -> float:
    """The share of examples whose predicted class is the right one, 0 to 1.

    Args:
        labels: (examples,) true classes.
        predictions: (examples,) predicted classes.

    Raises:
        ValueError: no examples, or shapes that differ.
    """
    labels, predictions = _checked(labels, predictions)
    return float(np.mean(labels == predictions))


def majority_accuracy(train_labels: npt.ArrayLike, test_labels: npt.ArrayLike) -> float:
    """The accuracy on the test split of always predicting the commonest class of the training split.

    Args:
        train_labels: (train examples,) true classes; if several are equally common, the lowest is taken.
        test_labels: (test examples,) true classes.
    """
    commonest = np.bincount(np.asarray(train_labels)).argmax()
    return accuracy(test_labels, np.full(np.shape(test_labels), commonest))


def cross_entropy(likelihoods: npt.ArrayLike) -> float:
    """The mean cross-entropy in nats.

    Args:
        likelihoods: predicted probability of each example's right answer. 0 counts as 1e-7, so that a single answer
            with probability 0 does not make the mean infinite.
    """
    return float(-np.log(np.maximum(np.asarray(likelihoods, np.float64), 1e-7)).mean())


def confusion_matrix(labels: npt.ArrayLike, predictions: npt.ArrayLike, classes: int) -> np.ndarray:
    """Counts of predicted classes for each true class.

    Args:
        labels: (examples,) true classes.
        predictions: (examples,) predicted classes.
        classes: how many classes there are.

    Returns:
        (classes, classes) int64 counts; rows are true classes, columns predicted ones.

    Raises:
        ValueError: no examples, shapes that differ, or a class outside 0 … classes - 1.
    """
    labels, predictions = _checked(labels, predictions)
    low, high = min(labels.min(), predictions.min()), max(labels.max(), predictions.max())
    if low < 0 or high >= classes:
        raise ValueError(f"classes {low} to {high} found, 0 to {classes - 1} expected")
    return np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)


def confusion_table(matrix: np.ndarray, names: Sequence[str]) -> list[list[str]]:
    """A confusion matrix as the rows of a table, header first, for a TSV file.

    Args:
        matrix: (classes, classes) counts; rows are true classes.
        names: the classes' names.

    Returns:
        classes + 2 rows of classes + 2 cells: true class, its counts, its recall; the last row has the precision of
        each column. The recall of a class that never occurs is empty, and so is the precision of a class that is never
        predicted.
    """
    right = matrix.diagonal()
    recall, precision = _ratios(right, matrix.sum(axis=1)), _ratios(right, matrix.sum(axis=0))
    body = [
        [name, *map(str, counts.tolist()), share] for name, counts, share in zip(names, matrix, recall, strict=True)
    ]
    return [["true class", *names, "recall"], *body, ["precision", *precision, ""]]


def per_class_table(
    labels: npt.ArrayLike, predictions: npt.ArrayLike, names: Sequence[str]
) -> list[Sequence[str | int | float]]:
    """Precision, recall and their harmonic mean of every class, as the rows of a table, header first.

    Args:
        labels: (examples,) true classes.
        predictions: (examples,) predicted classes.
        names: the classes' names.

    Returns:
        A row for each class: name, number of examples, precision, recall, f1. Undefined values are empty: the recall of
        a class that never occurs, the precision of a class that is never predicted.

    Raises:
        ValueError: no examples, or shapes that differ.
    """
    from sklearn.metrics import precision_recall_fscore_support

    labels, predictions = _checked(labels, predictions)
    measured = precision_recall_fscore_support(
        labels, predictions, labels=np.arange(len(names)), zero_division=float("nan")
    )
    rows = [
        [name, int(count), *("" if np.isnan(value) else float(value) for value in values)]
        for name, *values, count in zip(names, *measured, strict=True)
    ]
    return [["class", "examples", "precision", "recall", "f1"], *rows]


def logistic_regression(
    train_features: npt.ArrayLike, train_labels: npt.ArrayLike, test_features: npt.ArrayLike, seed: int = 1
) -> np.ndarray:
    """Predictions of scikit-learn's multinomial logistic regression: a baseline that sees the whole input at once.

    Args:
        train_features: (examples, …) numbers of one scale; they are flattened, and divided by the largest.
        train_labels: (examples,) true classes.
        test_features: (test examples, …).
        seed: selects `LOGISTIC_EXAMPLES` training examples if there are more.

    Returns:
        (test examples,) predicted classes. A warning is logged where it did not converge.

    Raises:
        ValueError: all training examples have the same class.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    train_features, train_labels = np.asarray(train_features), np.asarray(train_labels)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(train_labels))[:LOGISTIC_EXAMPLES])
    scale = float(np.abs(train_features).max()) or 1.0

    def flat(features: npt.ArrayLike) -> np.ndarray:
        return np.asarray(features).reshape(len(np.asarray(features)), -1).astype(np.float32) / scale

    model = LogisticRegression(max_iter=LOGISTIC_STEPS, tol=1e-3)
    with (
        warnings.catch_warnings(record=True) as warned,
        activity.doing(f"logistic regression on {len(chosen):,} examples"),
    ):
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(flat(train_features[chosen]), train_labels[chosen])
    if any(issubclass(warning.category, ConvergenceWarning) for warning in warned):
        logger.warning("logistic regression, a baseline: stopped after %d steps, not at its optimum", LOGISTIC_STEPS)
    return model.predict(flat(test_features))


def _ratios(parts: np.ndarray, wholes: np.ndarray) -> list[str]:
    return [f"{part / whole:.4f}" if whole else "" for part, whole in zip(parts, wholes, strict=True)]


def _checked(labels: npt.ArrayLike, predictions: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape or labels.ndim != 1:
        raise ValueError(f"labels of shape {labels.shape} and predictions of shape {predictions.shape}")
    if not len(labels):
        raise ValueError("no examples")
    return labels, predictions
