"""The data settings of tasks on word vectors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from rnn_tasks.config import Section


class WordCorpusConfig(Section):
    """The text to read, how it becomes words, and the tests of its vectors."""

    source: str = Field(
        "embedded",
        min_length=1,
        description="embedded (generated, with known word classes), or a path: a UTF-8 text, plain or .gz, or a "
        "directory of such texts.",
    )
    sentences: Literal["punctuation", "lines"] = Field(
        "punctuation", description="A sentence ends at . ! ? and blank lines, or at every line end. Windows stay in it."
    )
    words: Literal["letters", "punctuation", "spaces"] = Field(
        "letters",
        description="Words are letters and digits; or punctuation marks, too; or whatever stands between spaces, for "
        "text that is tokenised already.",
    )
    lowercase: bool = Field(True, description="Lower-case the text, and the words that it is judged by.")
    min_count: int = Field(5, ge=1, le=1_000_000, description="Rarer words are left out of the text.")
    vocabulary_size: int = Field(500_000, ge=10, le=10_000_000, description="Words at most; the rarer are left out.")
    counted_words: int = Field(
        20_000_000,
        ge=1_000,
        description="Different words counted at once at most: beyond, the rarest are forgotten (bounds the memory).",
    )
    phrases: int = Field(
        0,
        ge=0,
        le=4,
        description="Passes in which neighbours that belong together become one word (new_york); each may double how "
        "long phrases are, and reads the text once more.",
    )
    phrase_threshold: float = Field(100.0, gt=0, description="How much more often than by chance they stand together.")
    validation_fraction: float = Field(0.02, gt=0, le=0.4, description="Share of the text that chooses the epoch.")
    test_fraction: float = Field(0.02, gt=0, le=0.4, description="Share of the text that tests.")
    classes: str = Field(
        "",
        description="A file of word<TAB>class lines: near words should be of one class. The embedded text has its own.",
    )
    similarity: str = Field(
        "", description="A file of word<TAB>word<TAB>score lines, such as WordSim-353 (commas and a header also do)."
    )
    analogies: str = Field(
        "", description="A file of `a b c d` lines (a is to b as c to d) in `: sections`, such as questions-words.txt."
    )
    embedded_sentences: int = Field(
        30_000, ge=1_000, le=10_000_000, description="Sentences of the embedded text; other sources ignore it."
    )
    seed: int = Field(1, ge=0, lt=2**31, description="Draws the embedded text; not the run's seed, so runs share data.")

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> WordCorpusConfig:
        if self.validation_fraction + self.test_fraction > 0.5:
            raise ValueError("validation_fraction and test_fraction add up to more than 0.5")
        return self
