"""Whatever a user calls things, MLflow takes it, and two things keep two names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import Metric, RunTag
from mlflow.utils.validation import _validate_batch_log_data

from pipelines import names


def test_names_that_mlflow_takes_stay():
    for name in ("test_bleu", "test_2016_flickr_bleu", "val_loss", "test_accuracy_long words", "é.a-b: c"):
        assert names.key(name) == name


def test_other_names_become_ones_that_it_takes():
    # sha256 of "test_f1_a/b" and of "test_f1_a+b" begin with these
    assert names.key("test_f1_a/b") == "test_f1_a-b-5cd34148"
    assert names.key("test_f1_a+b") == "test_f1_a-b-8fcca38b"
    assert len(names.key("x" * 251)) == 220


@given(st.lists(st.text(max_size=400), max_size=4, unique=True))
def test_any_names_are_taken_and_told_apart(given_names):
    keys = [f"test_{name}" for name in given_names]
    taken = [names.key(key) for key in keys]
    assert len(set(taken)) == len(taken)
    for section in ("", "baseline/"):
        metrics = [Metric(section + key, 0.5, 1, 0) for key in taken]
        _validate_batch_log_data(metrics, [], [RunTag(f"note.{key}", "x") for key in taken])


def test_of_a_long_text_the_end_is_kept():
    assert names.shortened("abc", 3) == "abc"
    assert names.shortened("abcd", 3) == "…cd"
