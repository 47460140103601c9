"""The words of the English-French grammar, read from TOML and inflected once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, NamedTuple

from rnn_tasks.synthetic.english_french.english_morphology import add_s, verb_forms
from rnn_tasks.synthetic.english_french.french_morphology import (
    PERSONS,
    adjective_forms,
    conjugate,
    eliding,
    participle_forms,
    plural,
    vowel_test,
)


class Phrase(NamedTuple):
    """A piece of a sentence in both languages, with what its neighbours must agree with.

    Attributes:
        english, french: the words; the French ones are not yet elided.
        person: the French verb form it takes as a subject, an index into `PERSONS`.
        feminine, plural: what adjectives and participles agree with.
        heads: the nouns or names it stands for (two in "Paul and Marie"); empty for pronouns.
        kind: the semantic class of the head ("person", "food", …).
        combinations: the pairs of content words inside it, which a split may hold out.
    """

    english: str
    french: str
    person: int = 1
    feminine: bool = False
    plural: bool = False
    heads: tuple[str, ...] = ()
    kind: str = ""
    combinations: tuple[str, ...] = ()


class Noun(NamedTuple):
    """A noun's singular and plural in both languages; `plurals` lists the numbers in which it is used."""

    lemma: str
    kind: str
    english: tuple[str, str]
    french: tuple[str, str]
    feminine: bool
    plurals: tuple[bool, ...]
    mass: bool


class Adjective(NamedTuple):
    """`french` has the four forms of `agreement` and, fifth, the masculine before a vowel."""

    english: str
    french: tuple[str, ...]
    before: bool
    second: bool
    passing: bool
    comparative: str
    nouns: frozenset[str]
    predicate: frozenset[str]
    excluded: frozenset[str]


@dataclass(frozen=True)
class Verb:
    """A pair of verbs and what they go with; `english` and `french` map a form's name to its forms by person."""

    lemma: str
    kind: str
    english: Mapping[str, tuple[str, ...]]
    french: Mapping[str, tuple[str, ...]]
    participle: tuple[str, str, str, str]
    reflexive: bool
    etre: bool
    subjects: tuple[str, ...]
    objects: tuple[str, ...]
    determiners: tuple[str, ...]
    fixed: str
    preposition: str
    french_particle: str
    recipient: bool
    place: str
    adjuncts: tuple[str, ...]
    past: bool
    once: bool
    accident: bool
    affirmative: bool
    background: bool
    referred: bool


class Determiner(NamedTuple):
    """English (singular, plural); French: masculine, the same before a vowel, feminine, the same, plural."""

    english: tuple[str, str]
    french: tuple[str, ...]


class Pronouns(NamedTuple):
    """The personal pronouns by their place in the sentence: I / je, me / me, to me / me, with me / avec moi."""

    subjects: tuple[Phrase, ...]
    objects: tuple[Phrase, ...]
    indirect: tuple[Phrase, ...]
    stressed: tuple[Phrase, ...]


@dataclass(frozen=True)
class Lexicon:
    """All words, inflected, and the two rules of French spelling that need word lists."""

    nouns: Mapping[str, tuple[Noun, ...]]
    determiners: Mapping[str, Determiner]
    noun_determiners: Mapping[str, tuple[str, ...]]
    possessives: tuple[str, ...]
    numbers: tuple[str, ...]
    adjectives: Mapping[str, Adjective]
    attributes: Mapping[str, tuple[Adjective, ...]]
    predicates: Mapping[str, tuple[Adjective, ...]]
    verbs: Mapping[str, Mapping[str, Verb]]
    helpers: Mapping[str, tuple[str, ...]]
    pronouns: Pronouns
    names: tuple[Phrase, ...]
    feelings: tuple[tuple[str, str], ...]
    professions: tuple[tuple[tuple[str, str], tuple[str, ...]], ...]
    places: Mapping[str, tuple[tuple[str, str, str, str], ...]]
    relations: tuple[tuple[str, str], ...]
    fixed: Mapping[str, tuple[tuple[str, str], ...]]
    vowel_like: Callable[[str], bool]
    elide: Callable[[str], str]


def read_data(name: str) -> dict[str, Any]:
    """One of the grammar's TOML files."""
    return tomllib.loads((resources.files(__package__) / "data" / name).read_text(encoding="utf-8"))


def load_lexicon() -> Lexicon:
    """Read and inflect everything; takes a few milliseconds."""
    words, verbs, irregular = (read_data(name) for name in ("lexicon.toml", "verbs.toml", "french_verbs.toml"))
    numbers = {english: Determiner(("-", english), ("-",) * 4 + (french,)) for english, french in words["numbers"]}
    determiners = {name: _determiner(entry) for name, entry in words["determiners"].items()}
    adjectives = [_adjective(entry) for entry in words["adjectives"]]
    places = dict(words["places"])
    relations = places.pop("relations")
    nouns = {
        kind: tuple(_noun(row, kind, entry.get("mass", False)) for row in entry["words"])
        for kind, entry in words["nouns"].items()
    }
    kinds = {"pronoun", "name", *nouns}
    return Lexicon(
        nouns=nouns,
        determiners=determiners | numbers,
        noun_determiners={kind: tuple(entry["determiners"]) for kind, entry in words["nouns"].items()},
        possessives=tuple(name for name, entry in words["determiners"].items() if entry.get("possessive")),
        numbers=tuple(numbers),
        adjectives={adjective.english: adjective for adjective in adjectives},
        attributes={kind: tuple(a for a in adjectives if kind in a.nouns) for kind in kinds},
        predicates={kind: tuple(a for a in adjectives if kind in a.predicate) for kind in kinds},
        verbs={
            kind: {verb.lemma: verb for verb in (_verb(entry, kind, irregular) for entry in verbs[kind])}
            for kind in ("activity", "event", "perception", "state", "matrix", "copula")
        },
        helpers={
            f"{name}.present": conjugate(name, irregular).present
            for name in ("être", "avoir", "aller", "venir", "vouloir", "pouvoir", "devoir")
        },
        pronouns=Pronouns(*zip(*map(_pronoun, words["pronouns"]), strict=True)),
        names=tuple(
            Phrase(english, french, feminine=gender == "f", heads=(english,), kind="name")
            for english, french, gender in words["names"]
        ),
        feelings=tuple(words["feelings"].items()),
        professions=tuple(_profession(*row) for row in words["professions"]["words"]),
        places={kind: tuple(map(tuple, rows)) for kind, rows in places.items()},
        relations=tuple(map(tuple, relations)),
        fixed={kind: tuple(map(tuple, rows)) for kind, rows in verbs["fixed"].items()},
        vowel_like=vowel_test(words["without_elision"]),
        elide=eliding(words["without_elision"]),
    )


def _determiner(entry: Mapping[str, Any]) -> Determiner:
    singular, _, many = entry["english"].partition(" ")
    return Determiner((singular, many), tuple(form.strip() for form in entry["french"].split(",")))


def _noun(row: list[str], kind: str, mass: bool) -> Noun:
    english, french, gender, *only = row
    singular, _, irregular = english.partition("/")
    french_singular, _, french_irregular = french.partition("/")
    if only == ["plural"]:
        english_forms, french_forms = (singular, singular), (french, french)
    else:
        english_forms = (singular, irregular or add_s(singular))
        french_forms = (french_singular, french_irregular or plural(french_singular))
    numbers = (False,) if mass or only == ["singular"] else (True,) if only else (False, True)
    return Noun(english_forms[numbers[0]], kind, english_forms, french_forms, gender == "f", numbers, mass)


def _french_adjective(french: str) -> tuple[str, ...]:
    """Four forms and the masculine before a vowel, from "rouge", "blanc - blanche" or "beau bel belle"."""
    masculine, before_vowel, feminine = [*french.split(), "-", ""][:3]
    return *adjective_forms(masculine, feminine or None), masculine if before_vowel == "-" else before_vowel


def _adjective(entry: Mapping[str, Any]) -> Adjective:
    return Adjective(
        english=entry["english"],
        french=_french_adjective(entry["french"]),
        before=entry.get("order") == "before",
        second=entry.get("second", False),
        passing=entry.get("passing", False),
        comparative=entry.get("comparative", ""),
        nouns=frozenset(entry["nouns"].split()),
        predicate=frozenset(entry.get("predicate", entry["nouns"]).split()),
        excluded=frozenset(entry.get("except", ())),
    )


def _pronoun(entry: Mapping[str, Any]) -> tuple[Phrase, ...]:
    """As a subject, a direct object, an indirect object, and behind a preposition."""
    english = entry["english"].split()
    features = (PERSONS.index(entry["person"]), entry.get("feminine", False), entry.get("plural", False), (), "pronoun")
    subject, *objects = entry["french"].split()
    return Phrase(english[0], subject, *features), *(Phrase(english[1], french, *features) for french in objects)


def _profession(english: str, french: str) -> tuple[tuple[str, str], tuple[str, ...]]:
    singular, _, several = english.partition("/")
    return (singular, several), _french_adjective(french)


def _verb(entry: Mapping[str, Any], kind: str, irregular: Mapping[str, Mapping[str, str]]) -> Verb:
    particle = entry.get("particle", "")
    english = verb_forms(entry["english"], particle)
    infinitive = entry["french"].removeprefix("se ").removeprefix("s'")
    reflexive = infinitive != entry["french"]
    french = conjugate(infinitive, irregular)
    etre = reflexive or entry.get("auxiliary") == "être"
    return Verb(
        lemma=entry.get("lemma", english.base),
        kind=kind,
        english={
            "V.base": (english.base,) * 3,
            "V.present": (english.base, english.third_person, english.base),
            "V.past": (english.past,) * 3,
            "V.participle": (english.participle,) * 3,
            "V.ing": (english.ing,) * 3,
        },
        french={
            "V.infinitive": (french.infinitive,) * 5,
            "V.present": french.present,
            "V.imperfect": french.imperfect,
            "X.present": conjugate("être" if etre else "avoir", irregular).present,
        },
        participle=participle_forms(french.participle),
        reflexive=reflexive,
        etre=etre,
        subjects=tuple(entry.get("subjects", "person").split()),
        objects=tuple(entry.get("objects", "").split()),
        determiners=tuple(entry.get("determiners", ())),
        fixed=entry.get("fixed", ""),
        preposition=entry.get("preposition", ""),
        french_particle=entry.get("french_particle", ""),
        recipient=entry.get("recipient", False),
        place=entry.get("place", ""),
        adjuncts=tuple(entry.get("adjuncts", "").split()),
        past=not entry.get("no_past", False),
        once=entry.get("once", False),
        accident=entry.get("accident", False),
        affirmative=entry.get("affirmative", False),
        background=entry.get("background", False),
        referred=entry.get("referred", False),
    )
