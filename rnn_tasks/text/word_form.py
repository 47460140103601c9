"""The spelling of words in the vocabulary of a text; words are looked up in this spelling."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import NamedTuple

from rnn_tasks.files import write_whole
from rnn_tasks.text.word_config import WordCorpusConfig

JOINED = "_"
"""Between the parts of a phrase, which is one word: `new_york`."""
_FILE = "word_form.json"


class WordForm(NamedTuple):
    """One spelling for words that people type in several ways: composed characters, and the options of a text.

    Attributes:
        lowercase: whether words are in lower case.
        apostrophes: whether U+2019 becomes `'`; else don't would be two words, depending on who typed it.
    """

    lowercase: bool = False
    apostrophes: bool = False

    @classmethod
    def of(cls, config: WordCorpusConfig) -> WordForm:
        """The form of a text; a text that is already tokenised keeps its apostrophes."""
        return cls(config.lowercase, config.words != "spaces")

    def text(self, text: str) -> str:
        """A text, or a part of it, in this form."""
        composed = text if text.isascii() else unicodedata.normalize("NFC", text)
        if self.apostrophes:
            composed = composed.replace("’", "'")
        return composed.lower() if self.lowercase else composed

    def word(self, asked: str) -> str:
        """A word, or the words of a phrase, as the vocabulary has it."""
        return JOINED.join(self.text(asked).split())

    def save(self, directory: Path) -> None:
        """Write it beside a vocabulary."""
        write_whole(directory / _FILE, json.dumps(self._asdict()) + "\n")

    @classmethod
    def load(cls, directory: Path) -> WordForm:
        """The form that `save` wrote; without it (in an older export), only characters are composed."""
        path = directory / _FILE
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else cls()
