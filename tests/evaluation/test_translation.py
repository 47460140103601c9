import math
import re

import pytest
from nltk.translate.bleu_score import corpus_bleu
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from rnn_tasks import evaluation

HYPOTHESES = [
    "Un chien noir court dans l'herbe verte, près d'un arbre.",
    "Deux hommes jouent au football sur la plage.",
    "Elle ne lit pas le journal.",
    "Il y a 3,5 kilos de pommes sur la grande table.",
]
REFERENCES = [
    "Un chien noir court dans l'herbe, près d'un grand arbre.",
    "Deux hommes jouent au ballon sur la plage.",
    "Elle ne lit pas ce journal.",
    "Il y a 3,5 kilos de pommes rouges sur la table.",
]


def test_bleu_golden_value_is_the_closed_form():
    score = evaluation.bleu(["the cat sat on the mat"], ["the cat sat on a mat"])
    assert score.value == pytest.approx(100 * math.exp(sum(map(math.log, (5 / 6, 3 / 5, 2 / 4, 1 / 3))) / 4))


def test_brevity_penalty_is_the_closed_form():
    score = evaluation.bleu(["the cat sat on"], ["the cat sat on a mat"])
    assert score.value == pytest.approx(100 * math.exp(1 - 6 / 4))


def test_chrf_golden_value():
    # One character n-gram order at a time, by hand: "abcd" against "abce", orders 1 to 4.
    score = evaluation.chrf(["abcd"], ["abce"])
    assert score.value == pytest.approx(100 * (3 / 4 + 2 / 3 + 1 / 2 + 0) / 4)


def test_bleu_agrees_with_nltk_on_the_same_tokens():
    tokenize = Tokenizer13a()
    hypotheses = [tokenize(line).split() for line in HYPOTHESES]
    references = [[tokenize(line).split()] for line in REFERENCES]
    expected = corpus_bleu(references, hypotheses)
    assert 0.3 < expected < 0.9  # every n-gram order matches somewhere, so that no smoothing enters
    assert evaluation.bleu(HYPOTHESES, REFERENCES).value == pytest.approx(100 * expected, abs=1e-6)


def test_signatures_say_how():
    assert re.fullmatch(
        r"nrefs:1\|case:mixed\|eff:no\|tok:13a\|smooth:exp\|version:.+", evaluation.bleu(["a"], ["a"]).signature
    )
    assert "case:lc" in evaluation.bleu(["a"], ["a"], lowercase=True).signature
    assert "case:lc" in evaluation.chrf(["a"], ["a"], lowercase=True).signature


def test_chinese_is_compared_by_characters():
    hypotheses, references = (
        ["我今天去了北京的公园。", "他喜欢喝绿茶。"],
        ["我昨天去了北京的公园。", "他很喜欢喝绿茶。"],
    )
    score = evaluation.bleu(hypotheses, references, tokenizer="zh")
    # Matches of 1- to 4-grams by hand: 17 of 18, 13 of 16, 11 of 14, 9 of 12; 18 words against 19.
    expected = math.exp(1 - 19 / 18) * (17 / 18 * 13 / 16 * 11 / 14 * 9 / 12) ** 0.25
    assert score.value == pytest.approx(100 * expected)
    assert "|tok:zh|" in score.signature
    assert evaluation.bleu(hypotheses, references).value == 0


def test_lowercase_ignores_case():
    upper = [line.upper() for line in REFERENCES]
    assert evaluation.bleu(upper, REFERENCES, lowercase=True).value == pytest.approx(100)
    assert evaluation.chrf(upper, REFERENCES, lowercase=True).value == pytest.approx(100)
    assert evaluation.bleu(upper, REFERENCES).value < 20


def test_empty_hypotheses_score_zero():
    assert evaluation.bleu(["", ""], REFERENCES[:2]).value == 0
    assert evaluation.chrf(["", ""], REFERENCES[:2]).value == 0


@pytest.mark.parametrize("metric", [evaluation.bleu, evaluation.chrf])
def test_unequal_and_empty_sides_are_refused(metric):
    with pytest.raises(ValueError, match="1 hypotheses for 2 references"):
        metric(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="no sentences"):
        metric([], [])


def test_exact_match_is_the_share_of_equal_strings():
    assert evaluation.exact_match(["a", "b", "C"], ["a", "x", "c"]) == (pytest.approx(1 / 3), "")


def test_character_error_rate_counts_edits_by_characters_of_the_references():
    # kitten -> sitting: two substitutions and an insertion.
    assert evaluation.character_error_rate(["kitten", ""], ["sitting", "abc"]).value == pytest.approx((3 + 3) / 10)
    assert evaluation.character_error_rate(["abc"], ["abc"]).value == 0
