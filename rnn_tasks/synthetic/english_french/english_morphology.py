"""How English words change: plurals, verb forms, a/an."""

from __future__ import annotations

import re
from typing import NamedTuple

HELPERS = {
    "be.present": ("am", "is", "are"),
    "be.past": ("was", "was", "were"),
    "do.present": ("do", "does", "do"),
    "have.present": ("have", "has", "have"),
    "want.present": ("want", "wants", "want"),
}
"""Auxiliaries with "I", with "he", and with all others."""

_SOUND_VOWEL = re.compile(r"(?!uni|use)(?:[aeiou]|hour|honest)", re.IGNORECASE)
_DOUBLING = re.compile(r"(?:^|[^aeiou])[aeiou][bdglmnprt]$")
_UNSTRESSED = frozenset({"open", "answer", "visit", "listen", "travel"})


class VerbForms(NamedTuple):
    """The five forms of an English verb."""

    base: str
    third_person: str
    past: str
    participle: str
    ing: str


def verb_forms(parts: str, particle: str = "") -> VerbForms:
    """All forms of a verb.

    Args:
        parts: base, or base, past and participle, with spaces between: "look", "eat ate eaten".
        particle: what follows each form ("for", "up").
    """
    base, *irregular = parts.split()
    past, participle = irregular or [_regular_past(base)] * 2
    forms = (base, add_s(base), past, participle, _ing(base))
    return VerbForms(*(f"{form} {particle}".strip() for form in forms))


def add_s(word: str) -> str:
    """The regular plural of a noun, and the third person of a verb (have and go included)."""
    if word == "have":
        return "has"
    if word.endswith(("s", "x", "z", "ch", "sh")) or word == "go":
        return word + "es"
    return re.sub(r"(?<![aeiou])y$", "ie", word) + "s"


def a_or_an(following: str) -> str:
    """The indefinite article before this text, by its first sound."""
    return "an" if _SOUND_VOWEL.match(following) else "a"


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    return re.sub(r"(?<![aeiou])y$", "i", _doubled(base)) + "ed"


def _ing(base: str) -> str:
    if base.endswith("e") and not base.endswith("ee"):
        return base[:-1] + "ing"
    return _doubled(base) + "ing"


def _doubled(base: str) -> str:
    return base + base[-1] if _DOUBLING.search(base) and base not in _UNSTRESSED else base
