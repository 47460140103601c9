"""Noun phrases and prepositional phrases, said in English and French together.

`noun_phrase`, `prepositional` and `place` express what the caller gives; the `draw_` functions choose it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from rnn_tasks.synthetic.english_french.english_morphology import a_or_an
from rnn_tasks.synthetic.english_french.french_morphology import PERSONS, agreement, contract
from rnn_tasks.synthetic.english_french.lexicon import Adjective, Lexicon, Noun, Phrase

IL, ILS = PERSONS.index("il"), PERSONS.index("ils")
PEOPLE = ("person", "acquaintance", "family", "name")


def noun_phrase(
    lexicon: Lexicon,
    noun: Noun,
    determiner: str,
    plural: bool = False,
    adjectives: Sequence[Adjective] = (),
    negated: bool = False,
    owner: Phrase | None = None,
) -> Phrase:
    """A noun with all that agrees with it.

    Args:
        determiner: a key of `lexicon.determiners`; "generic" (apples, les pommes); "none" (just the noun); or "owner".
        adjectives: in their English order; French puts each before or after the noun as it should.
        negated: under negation "a" and "some" become "de" (and "some" becomes "any").
        owner: whose it is, where `determiner` is "owner": Paul's car, la voiture de Paul.
    """
    french_noun = noun.french[plural]
    form = agreement(noun.feminine, plural)
    before = [a.french[form] for a in adjectives if a.before]
    if before and form == 0 and lexicon.vowel_like(french_noun):
        before[-1] = next(a for a in reversed(adjectives) if a.before).french[-1]
    french = " ".join([*before, french_noun, *(a.french[form] for a in adjectives if not a.before)])
    english = " ".join([*(a.english for a in adjectives), noun.english[plural]])
    english_determiner = _english_determiner(lexicon, determiner, plural, english, negated, owner)
    french_determiner = _french_determiner(lexicon, determiner, noun, plural, french, negated, bool(before))
    if owner is not None:
        french = f"{french} {contract('de', owner.french, lexicon.vowel_like)}"
    return Phrase(
        f"{english_determiner} {english}".strip(),
        f"{french_determiner} {french}".strip(),
        ILS if plural else IL,
        noun.feminine,
        plural,
        (noun.lemma,),
        noun.kind,
        tuple(f"{a.english}+{noun.lemma}" for a in adjectives),
    )


def _english_determiner(
    lexicon: Lexicon, determiner: str, plural: bool, following: str, negated: bool, owner: Phrase | None
) -> str:
    if determiner == "a":
        return a_or_an(following)
    if determiner in ("generic", "none"):
        return ""
    if owner is not None:
        return f"{owner.english}'s"
    return "any" if negated and determiner == "some" else lexicon.determiners[determiner].english[plural]


def _french_determiner(
    lexicon: Lexicon, determiner: str, noun: Noun, plural: bool, following: str, negated: bool, adjective_first: bool
) -> str:
    if determiner == "none":
        return ""
    if (negated and determiner in ("a", "some")) or (determiner == "some" and plural and adjective_first):
        return "de"
    forms = lexicon.determiners["the" if determiner in ("generic", "owner") else determiner].french
    return forms[4] if plural else forms[2 * noun.feminine + lexicon.vowel_like(following)]


def both(first: Phrase, second: Phrase) -> Phrase:
    """Two people as one subject; masculine unless both are women."""
    return Phrase(
        f"{first.english} and {second.english}",
        f"{first.french} et {second.french}",
        ILS,
        first.feminine and second.feminine,
        True,
        first.heads + second.heads,
        "name",
    )


def prepositional(lexicon: Lexicon, english: str, french: str, phrase: Phrase) -> Phrase:
    """A preposition before a noun phrase, contracted: to the market, au marché."""
    return phrase._replace(
        english=f"{english} {phrase.english}", french=contract(french, phrase.french, lexicon.vowel_like)
    )


def draw_plural(rng: Random, noun: Noun, determiner: str) -> bool:
    """A number that noun and determiner allow."""
    if len(noun.plurals) == 1:
        return noun.plurals[0]
    if determiner in ("the", "this", "owner") or determiner in _POSSESSIVE:
        return rng.random() < 0.3
    return determiner != "a"


_POSSESSIVE = frozenset({"my", "your", "his", "her", "our", "their"})


def draw_adjectives(lexicon: Lexicon, rng: Random, noun: Noun, share: float) -> tuple[Adjective, ...]:
    """No, one or (rarely) two adjectives that make sense with the noun."""
    fitting = lexicon.attributes[noun.kind]
    if not fitting or rng.random() > share:
        return ()
    first = rng.choice(fitting)
    if noun.lemma in first.excluded:
        return ()
    if first.before and rng.random() < 0.2:
        second = [a for a in fitting if a.second]
        if second:
            return first, rng.choice(second)
    return (first,)


def draw_noun_phrase(
    lexicon: Lexicon,
    rng: Random,
    kinds: Sequence[str],
    determiners: Sequence[str] = (),
    negated: bool = False,
    adjectives: float = 0.3,
) -> Phrase:
    """A noun phrase (or a name) of one of these kinds.

    Args:
        determiners: what it may stand with; where empty, whatever its kind goes with.
        negated: it is an object under negation, where nobody counts.
        adjectives: the share of phrases with an adjective.
    """
    kind = rng.choice(kinds)
    if kind == "name":
        return rng.choice(lexicon.names)
    noun = rng.choice(lexicon.nouns[kind])
    usual = lexicon.noun_determiners[kind]
    allowed = [d for d in determiners if d in usual or d in ("generic", "none")] or usual
    determiner = rng.choice(allowed)
    if negated and determiner == "a" and kind in PEOPLE:
        determiner = "the"
    if determiner in ("number", "several") and (negated or noun.plurals == (False,)):
        determiner = "the" if "the" in usual else "possessive"
    if determiner == "number":
        determiner = rng.choice(lexicon.numbers)
    elif determiner == "possessive":
        determiner = rng.choice(lexicon.possessives)
    owner = rng.choice(lexicon.names) if determiner == "owner" else None
    if owner is not None and kind not in PEOPLE and rng.random() < 0.4:
        owner = draw_noun_phrase(lexicon, rng, ("family", "person"), ("possessive", "the"), adjectives=0)
        if owner.plural:
            owner = rng.choice(lexicon.names)
    plural = draw_plural(rng, noun, determiner)
    return noun_phrase(
        lexicon, noun, determiner, plural, draw_adjectives(lexicon, rng, noun, adjectives), negated, owner
    )


def draw_people(lexicon: Lexicon, rng: Random) -> Phrase:
    """A subject who can think: a pronoun, a name, two names, somebody, a relative."""
    chance = rng.random()
    if chance < 0.46:
        return rng.choice(lexicon.pronouns.subjects)
    if chance < 0.62:
        return rng.choice(lexicon.names)
    if chance < 0.68:
        first, second = rng.sample(lexicon.names, 2)
        return both(first, second)
    return draw_noun_phrase(lexicon, rng, ("person", "acquaintance", "family"), adjectives=0.2)


def draw_companion(lexicon: Lexicon, rng: Random, english: str, french: str) -> Phrase:
    """With or for somebody."""
    if rng.random() < 0.35:
        somebody = rng.choice(lexicon.pronouns.stressed)
    else:
        somebody = draw_noun_phrase(lexicon, rng, ("acquaintance", "family", "name"), adjectives=0)
    return prepositional(lexicon, english, french, somebody)


_VENUE = {"to": ("to", "à"), "in": ("at", "à"), "from": ("from", "de")}
_ROOM = {"to": ("to", "dans"), "in": ("in", "dans"), "from": ("from", "de")}


def place(lexicon: Lexicon, role: str, phrase: Phrase) -> Phrase:
    """A place with the preposition of its role ("to", "in", "from"), for places with "at" or places with "in"."""
    english, french = (_VENUE if phrase.kind == "venue" else _ROOM)[role]
    return prepositional(lexicon, english, french, phrase)


def named_place(role: str, entry: Sequence[str]) -> Phrase:
    """To, in or from a city or a country: in Italy, en Italie; from Japan, du Japon."""
    english, french, at, off = entry
    return Phrase(f"{role} {english}", f"{off if role == 'from' else at} {french}", kind="place")


def draw_place(lexicon: Lexicon, rng: Random, role: str) -> Phrase:
    """A place for one of the roles to, in, from, at (venues only), in_city (or a country), in_country, near."""
    if role == "near":
        english, french = rng.choice(lexicon.relations)
        return prepositional(lexicon, english, french, draw_the(lexicon, rng, ("venue",), 0))
    if role in ("in_city", "in_country"):
        kind = "country" if role == "in_country" or rng.random() < 0.5 else "city"
        return named_place("in", rng.choice(lexicon.places[kind]))
    if role == "at":
        return place(lexicon, "in", draw_the(lexicon, rng, ("venue",), 0.15))
    if rng.random() < 0.3:
        kind = "city" if rng.random() < 0.6 else "country"
        return named_place(role, rng.choice(lexicon.places[kind]))
    kind = "venue" if rng.random() < 0.7 else "room"
    return place(lexicon, role, draw_the(lexicon, rng, (kind,), 0.15))


def draw_the(lexicon: Lexicon, rng: Random, kinds: Sequence[str], adjectives: float) -> Phrase:
    """A definite noun phrase in the singular."""
    noun = rng.choice(lexicon.nouns[rng.choice(kinds)])
    return noun_phrase(lexicon, noun, "the", False, draw_adjectives(lexicon, rng, noun, adjectives))
