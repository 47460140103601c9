"""BLEU compares what sacreBLEU compares in each language, and says in time that it cannot."""

import builtins
import logging
import sys

import pytest
from sacrebleu.metrics import BLEU

from rnn_tasks import evaluation
from rnn_tasks.errors import UserError
from rnn_tasks.tasks.translate import PRESETS, TASK


@pytest.fixture(autouse=True)
def _asked_anew():
    evaluation.require_bleu_tokenizer.cache_clear()


def without(monkeypatch, *packages):
    """As if sacreBLEU had been installed without them."""
    import_module = builtins.__import__

    def refuse(name, *arguments):
        if name in packages:
            raise ImportError(name)
        return import_module(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for module in ("sacrebleu.tokenizers.tokenizer_ja_mecab", "sacrebleu.tokenizers.tokenizer_ko_mecab"):
        monkeypatch.delitem(sys.modules, module, raising=False)


@pytest.mark.parametrize("language", ["zh", "ja", "ko"])
def test_the_choice_is_sacrebleu_s_own(language, monkeypatch):
    chosen = BLEU._TOKENIZER_MAP[language]
    assert evaluation.bleu_tokenizer("auto", language) == chosen
    assert evaluation.bleu_tokenizer("char", language) == "char"


@pytest.mark.parametrize(
    ("language", "tokenizer"),
    [("zh_CN", "zh"), ("zho_Hans", "zh"), ("cmn", "zh"), ("yue", "zh"), ("jpn", "ja-mecab"), ("kor", "ko-mecab"),
     ("fr", "13a"), ("th", "13a"), ("xx", "13a")],
)  # fmt: skip
def test_a_language_is_known_by_any_code(language, tokenizer):
    assert evaluation.bleu_tokenizer("auto", language) == tokenizer


@pytest.mark.parametrize(
    ("language", "name", "extra"), [("ja", "ja-mecab", "sacrebleu[ja]"), ("ko", "ko-mecab", "sacrebleu[ko]")]
)
def test_what_is_not_installed_is_said_before_anything_is_read(language, name, extra, monkeypatch, tmp_path):
    without(monkeypatch, "MeCab", "mecab_ko")
    data = PRESETS["tiny"].data.model_copy(update={"source": str(tmp_path / "nothing"), "target_language": language})
    config = PRESETS["tiny"].model_copy(update={"data": data})
    for first_use in (lambda: TASK.inputs(config), lambda: TASK.prepare(config, tmp_path)):
        with pytest.raises(UserError) as caught:
            first_use()
        assert str(caught.value) == (
            f"evaluation.bleu_tokenizer: sacreBLEU's {name}, for '{language}', is not installed; "
            f"pip install '{extra}', or set evaluation.bleu_tokenizer=char"
        )
    evaluation.require_bleu_tokenizer("char", language)


def test_languages_whose_words_sacrebleu_does_not_find_are_named(caplog):
    with caplog.at_level(logging.WARNING):
        evaluation.require_bleu_tokenizer("auto", "th")
        evaluation.require_bleu_tokenizer("char", "th")
        evaluation.require_bleu_tokenizer("auto", "fr")
    (record,) = caplog.records
    assert record.getMessage() == (
        "BLEU by 13a takes a phrase of 'th' for one word; evaluation.bleu_tokenizer=char compares characters"
    )
