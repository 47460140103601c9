"""The config section of tasks on strings of formal languages."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from rnn_tasks.config import Section
from rnn_tasks.errors import UserError
from rnn_tasks.grammar.automaton import Automaton
from rnn_tasks.grammar.definitions import read_grammar
from rnn_tasks.grammar.reber import LANGUAGES, named_language


class StringsOptions(Section):
    """Which strings `generate` draws."""

    grammar: str = Field("embedded", min_length=1, description="embedded, reber, or the path of a grammar as .toml.")
    count: int = Field(10, ge=1, le=100_000_000, description="How many.")
    valid: float = Field(1.0, ge=0, le=1, description="Share of strings that belong to the language, labelled 1.")
    seed: int = Field(1, ge=0, lt=2**31, description="The same seed draws the same strings.")


class StringsConfig(Section):
    """Which strings are read or generated, and what is to be learned of them."""

    source: str = Field(
        "embedded",
        min_length=1,
        description="embedded or reber (the grammars), or a path: a grammar as .toml, or a UTF-8 file of string<TAB>"
        "label lines.",
    )
    learn: Literal["membership", "next_symbol"] = Field(
        "membership", description="Whether a string belongs to the language, or which symbols may come next."
    )
    train_strings: int = Field(
        24_000,
        ge=2,
        le=100_000,
        description="Training strings; for membership half of them in the language. A file's strings are divided in "
        "this proportion.",
    )
    val_strings: int = Field(2_000, ge=2, le=100_000, description="Validation strings.")
    test_strings: int = Field(4_000, ge=2, le=100_000, description="Test strings.")
    val_with_train: bool = Field(
        False, description="Of next_symbol: validate on the training strings, too (success as in 1997)."
    )
    swap_share: float = Field(0.2, ge=0, le=1, description="Share of corrupted strings with two neighbours swapped.")
    long_range_share: float = Field(
        0.4,
        ge=0,
        le=1,
        description="Share of corrupted strings whose second and last-but-one symbols disagree, in the embedded "
        "grammar; in the rest one symbol is changed.",
    )
    seed: int = Field(
        1, ge=0, lt=2**31, description="Draws the strings; runs that differ in their own seed alone share one test set."
    )

    @model_validator(mode="after")
    def _shares_fit(self) -> StringsConfig:
        if self.swap_share + self.long_range_share > 1:
            raise ValueError("swap_share and long_range_share add up to more than 1")
        if self.val_with_train and self.learn != "next_symbol":
            raise ValueError(f"val_with_train is for learn=next_symbol; found learn={self.learn}")
        if self.learn == "next_symbol" and not self.is_grammar:
            raise ValueError(f"learn=next_symbol needs a grammar: embedded, reber or a .toml file; found {self.source}")
        return self

    @property
    def is_grammar(self) -> bool:
        """Whether the strings are drawn from a grammar instead of read from a file."""
        return self.source in LANGUAGES or self.source.endswith(".toml")

    def language(self) -> Automaton:
        """The automaton that draws the strings."""
        if self.source in LANGUAGES:
            return named_language(self.source)
        if not self.is_grammar:
            raise UserError(f"{self.source}: accepted is {', '.join(LANGUAGES)}, or a grammar as .toml")
        return read_grammar(Path(self.source))
