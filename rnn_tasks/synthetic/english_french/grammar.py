"""The English-French grammar as a whole: lexicon, clause forms and tables, and clauses drawn at random from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from rnn_tasks.synthetic.english_french.clauses import (
    ClauseForm,
    clause_form,
    draw_be_complement,
    draw_complement,
    say,
)
from rnn_tasks.synthetic.english_french.lexicon import Lexicon, Phrase, Verb, load_lexicon, read_data
from rnn_tasks.synthetic.english_french.phrases import (
    PEOPLE,
    draw_noun_phrase,
    draw_people,
)


@dataclass(frozen=True)
class Grammar:
    """The lexicon, the clause forms and the sentence tables, ready for drawing.

    Attributes:
        forms: name -> clause form.
        drawn: (polarity, verb kind) -> the forms for it, each as often as its weight says.
        sentences: kind of sentence -> how often it is drawn.
        tables: the whole grammar file, as it stands there.
        verbs: the verbs of each kind.
        verb_kinds: the kinds, each as often as it is drawn.
        things: the noun classes that can be said to be something and are neither people nor animals.
    """

    lexicon: Lexicon
    forms: Mapping[str, ClauseForm]
    drawn: Mapping[tuple[str, str], Sequence[ClauseForm]]
    sentences: Mapping[str, int]
    tables: Mapping[str, Any]
    verbs: Mapping[str, Sequence[Verb]]
    verb_kinds: Sequence[str]
    things: Sequence[str]


def load_grammar() -> Grammar:
    """Read the lexicon and the grammar tables."""
    lexicon = load_lexicon()
    tables = read_data("grammar.toml")
    forms = [clause_form(entry) for entry in tables["clauses"]]
    drawn: dict[tuple[str, str], list[ClauseForm]] = {}
    for form in forms:
        for kind in form.kinds:
            drawn.setdefault((form.polarity, kind), []).extend([form] * form.weight)
    alive = {*PEOPLE, "animal", "wild_animal", "pronoun"}
    return Grammar(
        lexicon=lexicon,
        forms={form.name: form for form in forms},
        drawn=drawn,
        sentences=tables["sentences"],
        tables=tables,
        verbs={kind: tuple(verbs.values()) for kind, verbs in lexicon.verbs.items()},
        verb_kinds=[kind for kind, weight in tables["verb_kinds"].items() for _ in range(weight)],
        things=sorted(kind for kind, fitting in lexicon.predicates.items() if fitting and kind not in alive),
    )


def finish(grammar: Grammar, phrase: Phrase) -> tuple[str, str]:
    """Capitals, commas, elision and the final mark; French keeps a space before a question mark."""
    english, french = phrase.english, phrase.french
    question = english.endswith(" ?")
    english = english.replace(" ,", ",").removesuffix(" ?") + ("?" if question else ".")
    french = grammar.lexicon.elide(french).replace(" ,", ",") + ("" if question else ".")
    return english[0].upper() + english[1:], french[0].upper() + french[1:]


def draw_subject(grammar: Grammar, rng: Random, verb: Verb) -> Phrase:
    if "animal" in verb.subjects and rng.random() < 0.3:
        return draw_noun_phrase(grammar.lexicon, rng, ("animal", "animal", "wild_animal"), adjectives=0.3)
    return draw_people(grammar.lexicon, rng)


def timed(grammar: Grammar, rng: Random, form: ClauseForm, phrase: Phrase, share: float = 0.45) -> Phrase:
    """The clause with a time, mostly behind it."""
    if not form.times or not (form.need_time or rng.random() < share):
        return phrase
    english, french = rng.choice(grammar.tables["times"][form.times])
    if form.times in ("past", "future") and form.polarity != "question" and rng.random() < 0.2:
        return phrase._replace(english=f"{english} , {phrase.english}", french=f"{french} , {phrase.french}")
    return phrase._replace(english=f"{phrase.english} {english}", french=f"{phrase.french} {french}")


def draw_action(
    grammar: Grammar, rng: Random, form: ClauseForm, verb: Verb, subject: Phrase, adjuncts: float = 0.35
) -> Phrase | None:
    """A clause with any verb but "to be"."""
    if not fits(form, verb, subject):
        return None
    complement = draw_complement(grammar.lexicon, rng, verb, subject, form.polarity == "negative", adjuncts)
    if complement is None:
        return None
    adverb = rng.choice(grammar.tables["times"]["frequency"]) if "A" in form.english else ("", "")
    return say(grammar.lexicon, form, subject, verb, complement, adverb)


def fits(form: ClauseForm, verb: Verb, subject: Phrase) -> bool:
    """Whether one says such a thing: no animal wants, nobody asks himself, nobody repairs a car every morning."""
    if verb.affirmative and form.polarity == "negative":
        return False
    if verb.accident and "aller.present" in form.french:
        return False
    if form.persons_only and "animal" in subject.kind:
        return False
    if form.polarity == "question" and subject.english == "I":
        return False
    if "V.imperfect" in form.french and verb.kind == "activity" and not verb.background:
        return False
    return not (verb.once and form.habitual) and (verb.past or "V.past" not in form.english)


def draw_being(grammar: Grammar, rng: Random, form: ClauseForm, subject: Phrase) -> Phrase:
    """A clause with "to be"."""
    french, complement = draw_be_complement(grammar.lexicon, rng, subject, form.passing_only)
    adverb = rng.choice(grammar.tables["times"]["frequency"]) if "A" in form.english else ("", "")
    return say(grammar.lexicon, form, subject, grammar.lexicon.verbs["copula"][french], complement, adverb)


def draw_clause(grammar: Grammar, rng: Random, polarity: str, subject: Phrase | None = None) -> Phrase | None:
    """A clause of this polarity, with whatever verb, tense and (where not given) subject."""
    kind = rng.choice(grammar.verb_kinds)
    form = rng.choice(grammar.drawn[polarity, kind])
    if kind == "copula":
        if subject is None:
            subject = draw_being_subject(grammar, rng, form)
        if polarity == "question" and subject.english == "I":
            return None
        return draw_being(grammar, rng, form, subject)
    verb = rng.choice(grammar.verbs[kind])
    clause = draw_action(grammar, rng, form, verb, subject or draw_subject(grammar, rng, verb))
    return clause and timed(grammar, rng, form, clause)


def draw_being_subject(grammar: Grammar, rng: Random, form: ClauseForm) -> Phrase:
    chance = rng.random()
    if chance < 0.4 and not form.passing_only:
        determiners = ("the", "the", "this", "possessive", "owner")
        return draw_noun_phrase(grammar.lexicon, rng, grammar.things, determiners, adjectives=0)
    if chance < 0.5:
        return draw_noun_phrase(grammar.lexicon, rng, ("animal",), ("the", "this", "possessive"), adjectives=0)
    return draw_people(grammar.lexicon, rng)
