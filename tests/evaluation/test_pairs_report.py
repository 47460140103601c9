"""What the report of a model that writes strings says: of spelling and of languages, as translate scores them."""

import numpy as np
import pytest

from rnn_tasks import evaluation
from rnn_tasks.config import override
from rnn_tasks.export.translator import Hypothesis
from rnn_tasks.task import Trained
from rnn_tasks.tasks import translate


def report(tmp_path, references, translations, **changes):
    history = tmp_path / "history.jsonl"
    history.write_text('{"epoch": 1, "loss": 1.0, "val_bleu": 2.0}\n')
    training = {"val_bleu": 2.0, "train_target_tokens_per_second": 1.0}
    trained = Trained(weights=tmp_path, history=history, epochs=1, steps=1, seconds=1.0, metrics=training)
    hypotheses = [Hypothesis(text, 0.0, ["a"], ["b"], np.zeros((1, 1))) for text in translations]
    sets = [evaluation.JudgedPairs("test_a", ["a"] * len(references), references, hypotheses, references, 1.0, 1.0)]
    config = override(translate.TranslateConfig(), changes)
    made = evaluation.pairs_report(sets, translate.scorers(config), trained, tmp_path / "out")
    return {metric.name: metric for metric in made.metrics}, made.notes


def test_the_score_is_against_the_references_as_they_are_and_the_normalised_one_beside_it(tmp_path):
    references = ["L’homme «\u00a0dort\u00a0» d&apos; ici.", "Il n’y a rien de plus."]
    translations = ["L'homme « dort » d' ici.", "Il n'y a rien de plus."]
    metrics, _ = report(tmp_path, references, translations)
    assert metrics["test_bleu"].value == pytest.approx(evaluation.bleu(translations, references).value)
    assert metrics["test_bleu"].value < 70
    assert metrics["test_bleu"].baseline == pytest.approx(100)
    assert metrics["test_bleu_normalized"].value == metrics["test_a_bleu_normalized"].value == pytest.approx(100)


def test_a_cased_file_is_scored_cased_whatever_was_learned(tmp_path):
    metrics, notes = report(
        tmp_path, ["Anna Voit La Mer Bleue."], ["anna voit la mer bleue."], **{"data.lowercase": True}
    )
    assert metrics["test_bleu"].value < 20
    assert metrics["test_bleu_normalized"].value == pytest.approx(100)
    assert "case:mixed" in notes["test_a_bleu_signature"]


def test_where_there_is_one_spelling_alone_both_scores_are_one(tmp_path):
    chinese = {"data.target_language": "zh"}
    metrics, notes = report(tmp_path, ["我喜欢喝茶。"], ["我喜欢喝水。"], **chinese)
    assert metrics["test_bleu"].value == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)
    assert metrics["test_bleu_normalized"].value == metrics["test_bleu"].value
    assert "tok:zh" in notes["test_a_bleu_signature"]
