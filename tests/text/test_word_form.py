"""One spelling of what people type in several ways."""

import pytest

from rnn_tasks.text import WordForm, text_sentences
from rnn_tasks.text.word_config import WordCorpusConfig

TYPED = ["Don’t", "DON'T", "Cafe\u0301", "Ünal", "ΟΔΟΣ"]


@pytest.mark.parametrize("settings", [{}, {"lowercase": False}, {"words": "spaces"}])
def test_a_word_is_looked_up_as_a_text_has_it(settings):
    config = WordCorpusConfig(**settings)
    form = WordForm.of(config)
    assert [[form.word(word)] for word in TYPED] == [
        words for word in TYPED for words in text_sentences(iter([word]), config)
    ]


def test_forms_by_hand():
    assert WordForm(lowercase=True, apostrophes=True).word(" New  YORK’s ") == "new_york's"
    assert WordForm().word("Cafe\u0301’s") == "Café’s"


def test_it_is_kept_with_a_vocabulary_and_older_ones_compose_alone(tmp_path):
    assert WordForm.load(tmp_path) == WordForm()
    WordForm(lowercase=True, apostrophes=False).save(tmp_path)
    assert WordForm.load(tmp_path) == WordForm(lowercase=True, apostrophes=False)
