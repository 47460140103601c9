"""docs/translate.md: the settings it names exist, and it says what is read."""

import re
from pathlib import Path

import rnn_tasks
from rnn_tasks.config import dotted_keys
from rnn_tasks.evaluation.bleu_tokenizer import EXTRAS, OF_LANGUAGE
from rnn_tasks.tasks.translate import TranslateConfig
from rnn_tasks.text.local_corpus import FILE_ENDINGS

TEXT = (Path(rnn_tasks.__file__).parents[1] / "docs" / "translate.md").read_text(encoding="utf-8")


def test_every_setting_exists():
    named = set(re.findall(r"\b(?:data|training|evaluation|decoding|model)\.[a-z_]+", TEXT))
    assert len(named) > 10
    assert named <= set(dotted_keys(TranslateConfig))


def test_every_kind_of_file_and_tokeniser_is_there():
    for ending in FILE_ENDINGS:
        assert ending.removesuffix(".gz") in TEXT
    for tokenizer in (*OF_LANGUAGE.values(), *EXTRAS.values()):
        assert tokenizer in TEXT
