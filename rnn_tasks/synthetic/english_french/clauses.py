"""Clauses: a subject, a verb in some tense and polarity, and what follows, said in both languages by one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from rnn_tasks.synthetic.english_french.english_morphology import HELPERS
from rnn_tasks.synthetic.english_french.french_morphology import PERSONS, REFLEXIVE, agreement
from rnn_tasks.synthetic.english_french.lexicon import Adjective, Lexicon, Phrase, Verb
from rnn_tasks.synthetic.english_french.phrases import (
    PEOPLE,
    draw_companion,
    draw_noun_phrase,
    draw_place,
    prepositional,
)

JE = PERSONS.index("je")
NOUS = PERSONS.index("nous")


@dataclass(frozen=True)
class ClauseForm:
    """One row of `clauses` in the grammar file, its templates split into words."""

    name: str
    kinds: tuple[str, ...]
    polarity: str
    english: tuple[str, ...]
    french: tuple[str, ...]
    times: str
    need_time: bool
    habitual: bool
    persons_only: bool
    passing_only: bool
    open: tuple[str, ...]
    weight: int


def clause_form(entry: Mapping[str, Any]) -> ClauseForm:
    """Read one row."""
    return ClauseForm(
        name=entry["name"],
        kinds=tuple(entry["kinds"].split()),
        polarity=entry.get("polarity", "statement"),
        english=tuple(entry["english"].split()),
        french=tuple(entry["french"].split()),
        times=entry.get("times", ""),
        need_time=entry.get("need_time", False),
        habitual=entry.get("habitual", False),
        persons_only=entry.get("persons_only", False),
        passing_only=entry.get("passing_only", False),
        open=tuple(entry.get("open", "").split()),
        weight=entry["weight"],
    )


class Complement(NamedTuple):
    """What follows the verb.

    Attributes:
        clitic: the French object pronoun, which stands before the verb instead.
        agrees: where the direct object precedes the French verb, the form (of four) its participle takes.
        heads: the nouns of the direct or prepositional object.
        placed: it says where.
        passing: it tells a feeling that passes.
    """

    english: str = ""
    french: str = ""
    clitic: str = ""
    agrees: int | None = None
    heads: tuple[str, ...] = ()
    combinations: tuple[str, ...] = ()
    placed: bool = False
    passing: bool = False


NOTHING = Complement()


def say(
    lexicon: Lexicon,
    form: ClauseForm,
    subject: Phrase,
    verb: Verb,
    complement: Complement = NOTHING,
    adverb: tuple[str, str] = ("", ""),
) -> Phrase:
    """Put a clause into words; the French is not yet elided, and nothing is capitalised."""
    clitic = REFLEXIVE[subject.person] if verb.reflexive else complement.clitic
    agrees = agreement(subject.feminine, subject.plural) if verb.etre else complement.agrees or 0
    english = {"S": subject.english, "C": complement.english, "A": adverb[0]}
    french = {"S": subject.french, "C": complement.french, "A": adverb[1], "K": clitic}
    french["V.participle"] = verb.participle[agrees]
    who = subject.person if subject.person < 2 else 2
    return Phrase(
        _fill(form.english, english, verb.english, HELPERS, who),
        _fill(form.french, french, verb.french, lexicon.helpers, subject.person),
        combinations=(
            *subject.combinations,
            *complement.combinations,
            *(f"{head}~{verb.lemma}" for head in subject.heads if verb.kind != "copula"),
            *(f"{verb.lemma}>{head}" for head in complement.heads),
        ),
    )


def _fill(
    words: tuple[str, ...],
    slots: Mapping[str, str],
    forms: Mapping[str, tuple[str, ...]],
    helpers: Mapping[str, tuple[str, ...]],
    person: int,
) -> str:
    said = []
    for word in words:
        if word in slots:
            word = slots[word]
        elif word in forms:
            word = forms[word][person]
        elif word in helpers:
            word = helpers[word][person]
        if word:
            said.append(word)
    return " ".join(said)


def object_pronoun(phrase: Phrase, indirect: bool = False) -> Complement:
    """Him, le: French puts it before the verb, and a participle agrees with it where it is direct."""
    if indirect:
        return Complement(f"to {phrase.english}", "", phrase.french)
    return Complement(phrase.english, "", phrase.french, agreement(phrase.feminine, phrase.plural))


def joined(*parts: Complement | Phrase) -> Complement:
    """Several complements as one; only a `Complement` counts as object."""
    complements = [part for part in parts if isinstance(part, Complement)]
    return Complement(
        " ".join(part.english for part in parts if part.english),
        " ".join(part.french for part in parts if part.french),
        "".join(part.clitic for part in complements),
        next((part.agrees for part in complements if part.agrees is not None), None),
        tuple(head for part in complements for head in part.heads),
        tuple(combination for part in parts for combination in part.combinations),
        any(part.placed for part in complements)
        or any(part.kind in _PLACES for part in parts if isinstance(part, Phrase)),
    )


_PLACES = frozenset({"venue", "room", "home", "place"})


def as_object(phrase: Phrase, verb: Verb, lexicon: Lexicon) -> Complement:
    """A noun phrase as the verb's object, behind the verb's French preposition where it has one."""
    said = prepositional(lexicon, "", verb.preposition, phrase) if verb.preposition else phrase
    french = f"{verb.french_particle} {said.french}".strip()
    return Complement(phrase.english, french, heads=phrase.heads, combinations=phrase.combinations)


def same_people(one: Phrase, other: Phrase) -> bool:
    """Whether both speak of the same person, so that French and English would use a reflexive."""
    speakers = (JE, NOUS)
    if one.kind == other.kind == "pronoun":
        return (one.person == other.person and one.feminine == other.feminine) or (
            one.person in speakers and other.person in speakers
        )
    return bool(set(one.heads) & set(other.heads))


def draw_complement(
    lexicon: Lexicon, rng: Random, verb: Verb, subject: Phrase, negated: bool, adjuncts: float = 0.35
) -> Complement | None:
    """Object, recipient, place and one adjunct as the verb wants them, or None where they fit the subject badly.

    Args:
        adjuncts: the share of clauses with an adjunct where the verb takes one.
    """
    parts: list[Complement | Phrase] = []
    if verb.fixed:
        english, french = rng.choice(lexicon.fixed[verb.fixed])
        parts.append(Complement(english, french))
    if verb.objects:
        thing = _draw_object(lexicon, rng, verb, negated)
        if same_people(subject, thing):
            return None
        if thing.kind == "pronoun":
            parts.append(object_pronoun(thing))
        else:
            parts.append(as_object(thing, verb, lexicon))
    if verb.recipient:
        if rng.random() < 0.4:
            somebody = rng.choice(lexicon.pronouns.indirect)
            parts.append(object_pronoun(somebody, indirect=True))
        else:
            somebody = draw_noun_phrase(lexicon, rng, ("acquaintance", "family", "name"), adjectives=0)
            parts.append(prepositional(lexicon, "to", "à", somebody))
        if same_people(subject, somebody):
            return None
    if verb.place:
        parts.append(draw_place(lexicon, rng, verb.place))
    if verb.adjuncts and rng.random() < adjuncts:
        role = rng.choice(verb.adjuncts)
        if role in ("with", "for"):
            adjunct = draw_companion(lexicon, rng, role, "avec" if role == "with" else "pour")
            if same_people(subject, adjunct):
                return None
        else:
            adjunct = draw_place(lexicon, rng, role)
        parts.append(adjunct)
    return joined(*parts)


def _draw_object(lexicon: Lexicon, rng: Random, verb: Verb, negated: bool) -> Phrase:
    if not verb.preposition and "name" in verb.objects and rng.random() < 0.35:
        return rng.choice(lexicon.pronouns.objects)
    determiners = verb.determiners
    if verb.preposition and not determiners:
        determiners = ("the", "this", "possessive", "a", "owner")
    # "besoin d'un" keeps its article under negation, as every prepositional object does
    return draw_noun_phrase(lexicon, rng, verb.objects, determiners, negated and not verb.preposition)


def be_complement(lexicon: Lexicon, subject: Phrase, adjective_english: str) -> Complement:
    """An adjective that agrees with the subject."""
    adjective = lexicon.adjectives[adjective_english]
    return Complement(
        adjective.english,
        adjective.french[agreement(subject.feminine, subject.plural)],
        combinations=tuple(f"{adjective.english}+{head}" for head in subject.heads),
        passing=adjective.passing,
    )


def predicates(lexicon: Lexicon, subject: Phrase) -> list[Adjective]:
    """The adjectives that it makes sense to say of the subject."""
    return [a for a in lexicon.predicates[subject.kind] if a.excluded.isdisjoint(subject.heads)]


def draw_be_complement(lexicon: Lexicon, rng: Random, subject: Phrase, passing: bool = False) -> tuple[str, Complement]:
    """What somebody or something can be: the French verb (être or avoir) and an adjective, a feeling, a job, a place.

    Args:
        passing: only what passes, and so can be a reason: tired, hungry.
    """
    person = subject.kind in PEOPLE or subject.kind == "pronoun"
    chance = rng.random()
    if chance < 0.22 and (person or subject.kind == "animal"):
        english, french = rng.choice(lexicon.feelings)
        return "avoir", Complement(english, french, passing=True)
    if chance < 0.34 and person and not passing:
        english_forms, french_forms = rng.choice(lexicon.professions)
        form = agreement(subject.feminine, subject.plural)
        return "être", Complement(english_forms[subject.plural], french_forms[form])
    if chance < 0.46 and not passing and (person or subject.kind == "animal"):
        return "être", joined(draw_place(lexicon, rng, "in" if person else "near"))
    fitting = [a for a in predicates(lexicon, subject) if a.passing or not passing]
    return "être", be_complement(lexicon, subject, rng.choice(fitting).english)
