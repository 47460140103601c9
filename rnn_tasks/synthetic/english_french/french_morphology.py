"""How French words change: conjugation, agreement, contraction, elision.

Verb forms come as five: je, il/elle, nous, vous, ils/elles. Adjectives and participles come as four:
masculine and feminine singular, masculine and feminine plural (see `agreement`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

PERSONS = ("je", "il", "nous", "vous", "ils")
REFLEXIVE = ("me", "se", "nous", "vous", "se")
VOWELS = "aeiouyàâéèêëîïôùûœ"

_PRESENT = {
    "er": ("e", "e", "ons", "ez", "ent"),
    "ir": ("is", "it", "issons", "issez", "issent"),
    "re": ("s", "", "ons", "ez", "ent"),
}
_PARTICIPLE = {"er": "é", "ir": "i", "re": "u"}
_MERGED = {("à", "le"): "au", ("à", "les"): "aux", ("de", "le"): "du", ("de", "les"): "des"}
_IMPERFECT = ("ais", "ait", "ions", "iez", "aient")


class Conjugation(NamedTuple):
    """The forms of one verb that the grammar uses; `participle` is the masculine singular."""

    infinitive: str
    present: tuple[str, ...]
    imperfect: tuple[str, ...]
    participle: str


def conjugate(infinitive: str, irregular: Mapping[str, Mapping[str, str]]) -> Conjugation:
    """Conjugate a verb, by rule unless `irregular` lists it.

    Args:
        infinitive: without the reflexive pronoun.
        irregular: infinitive -> present (five forms, spaces between), participle and perhaps the imperfect's stem.
    """
    if entry := irregular.get(infinitive):
        present = tuple(entry["present"].split())
        return Conjugation(infinitive, present, _imperfect(present, entry.get("imperfect")), entry["participle"])
    stem, ending = infinitive[:-2], infinitive[-2:]
    stems = [_stressed(stem) if ending == "er" and person not in ("nous", "vous") else stem for person in PERSONS]
    present = tuple(_soft(s, e) + e if ending == "er" else s + e for s, e in zip(stems, _PRESENT[ending], strict=True))
    return Conjugation(infinitive, present, _imperfect(present, None), stem + _PARTICIPLE[ending])


def _stressed(stem: str) -> str:
    """The stem of an -er verb before a silent ending: achet- -> achèt-, préfér- -> préfèr-, nettoy- -> nettoi-."""
    if stem.endswith(("oy", "uy")):
        return stem[:-1] + "i"
    return re.sub(r"[eé]([^aeiouyéèê])$", r"è\1", stem)


def _soft(stem: str, ending: str) -> str:
    """Keep g and c soft before a and o: nous mangeons, il commençait."""
    if ending[:1] in ("a", "o"):
        return stem + "e" if stem.endswith("g") else re.sub("c$", "ç", stem)
    return stem


def _imperfect(present: tuple[str, ...], stem: str | None) -> tuple[str, ...]:
    if stem is None:
        stem = present[PERSONS.index("nous")].removesuffix("ons")
    before_i = stem[:-1] if stem.endswith("ge") else re.sub("ç$", "c", stem)
    return tuple((before_i if ending.startswith("i") else stem) + ending for ending in _IMPERFECT)


def agreement(feminine: bool, plural: bool) -> int:
    """The index of the form for this gender and number in a tuple of four forms."""
    return feminine + 2 * plural


def participle_forms(participle: str) -> tuple[str, str, str, str]:
    """A past participle's four forms; only dû drops its accent."""
    base = "du" if participle == "dû" else participle
    masculine_plural = base if base.endswith("s") else base + "s"
    return participle, base + "e", masculine_plural, base + "es"


def adjective_forms(masculine: str, feminine: str | None = None) -> tuple[str, str, str, str]:
    """An adjective's four forms; `feminine` where no rule gives it."""
    if feminine is None:
        feminine = _feminine(masculine)
    return masculine, feminine, plural(masculine), plural(feminine)


def _feminine(masculine: str) -> str:
    for ending, becomes in (("e", "e"), ("eux", "euse"), ("f", "ve"), ("er", "ère"), ("en", "enne"), ("on", "onne")):
        if masculine.endswith(ending):
            return masculine.removesuffix(ending) + becomes
    return masculine + "e"


def plural(word: str) -> str:
    """The plural of a noun or adjective, by rule."""
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith("al"):
        return word[:-2] + "aux"
    return word + ("x" if word.endswith(("eau", "eu")) and word != "bleu" else "s")


def contract(preposition: str, noun_phrase: str, vowel_like: Callable[[str], bool]) -> str:
    """Put a preposition before a noun phrase: à + le -> au, près de + les -> près des; à l'hôtel stays for `elide`."""
    article, _, rest = noun_phrase.partition(" ")
    *before, last = preposition.split()
    merged = None if article == "le" and vowel_like(rest) else _MERGED.get((last, article))
    return " ".join([*before, merged, rest]) if merged else f"{preposition} {noun_phrase}"


def vowel_test(without_elision: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a text starts so that elision applies: a vowel or a mute h.

    Args:
        without_elision: words that start so in writing and yet refuse elision (le hibou, de huit).
    """
    refusing = frozenset(without_elision)

    def vowel_like(text: str) -> bool:
        word = text.partition(" ")[0].lower()
        if word.startswith("y") and word != "y":
            return False
        return word.startswith(tuple(VOWELS + "h")) and word not in refusing

    return vowel_like


def eliding(without_elision: Iterable[str]) -> Callable[[str], str]:
    """A function that elides a whole sentence: je ai -> j'ai, de eau -> d'eau, que il -> qu'il, si il -> s'il.

    The demonstrative "ce" never meets a vowel (it is "cet" then), so every "ce" before one is a pronoun: c'est.
    """
    refusing = "|".join(without_elision)
    vowel = rf"(?!(?:{refusing})\b)(?:[{VOWELS.replace('y', '')}h]|y\b)"
    clipped = re.compile(rf"(?<![\w-])((?:l|j|m|s|n|d|c|qu)e|la) (?={vowel})", re.IGNORECASE)
    conditional = re.compile(r"\b([Ss])i (?=ils?\b)")

    def elide(text: str) -> str:
        return conditional.sub(r"\1'", clipped.sub(lambda match: match[1][:-1] + "'", text))

    return elide
