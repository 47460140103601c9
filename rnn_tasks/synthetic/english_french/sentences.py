"""Whole English-French sentences, drawn at random from the synchronous grammar.

Each `_draw_…` function draws one kind of sentence, or None where the words that it drew do not fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from rnn_tasks.synthetic.english_french.clauses import (
    Complement,
    as_object,
    be_complement,
    draw_be_complement,
    predicates,
    same_people,
    say,
)
from rnn_tasks.synthetic.english_french.french_morphology import agreement
from rnn_tasks.synthetic.english_french.grammar import (
    Grammar,
    draw_action,
    draw_being,
    draw_being_subject,
    draw_clause,
    draw_subject,
    fits,
)
from rnn_tasks.synthetic.english_french.lexicon import Lexicon, Phrase, Verb
from rnn_tasks.synthetic.english_french.phrases import (
    ILS,
    PEOPLE,
    draw_adjectives,
    draw_noun_phrase,
    draw_people,
    draw_place,
    noun_phrase,
    prepositional,
)

LONGEST = 15
"""Words of the longest English sentence."""

WHO = Phrase("who", "qui", kind="pronoun")


def draw_sentence(grammar: Grammar, rng: Random, kind: str) -> Phrase | None:
    """A sentence of one kind (a key of `grammar.sentences`), or None where the words do not fit."""
    phrase = _DRAW[kind](grammar, rng)
    if phrase is None or phrase.english.count(" ") >= LONGEST:
        return None
    return phrase


def as_question(phrase: Phrase | None) -> Phrase | None:
    return phrase and phrase._replace(english=f"{phrase.english} ?", french=f"{phrase.french} ?")


# ---- kinds of sentences ----


def _draw_statement(grammar: Grammar, rng: Random) -> Phrase | None:
    return draw_clause(grammar, rng, "statement")


def _draw_negative(grammar: Grammar, rng: Random) -> Phrase | None:
    return draw_clause(grammar, rng, "negative")


def _draw_question(grammar: Grammar, rng: Random) -> Phrase | None:
    return as_question(draw_clause(grammar, rng, "question"))


def _draw_who_question(grammar: Grammar, rng: Random) -> Phrase | None:
    return as_question(draw_clause(grammar, rng, "statement", WHO))


def _draw_open_question(grammar: Grammar, rng: Random) -> Phrase | None:
    """Why, when, where, what or how many, before a question whose answer is missing from it."""
    kind = rng.choice(("activity", "activity", "event", "perception", "state", "copula"))
    form = rng.choice(grammar.drawn["question", kind])
    if not form.open:
        return None
    word = rng.choice(form.open)
    asked, clause = Phrase("", ""), None
    if kind == "copula":
        subject = draw_being_subject(grammar, rng, form)
        clause = draw_being(grammar, rng, form, subject)
    else:
        verb = rng.choice(grammar.verbs[kind])
        subject = draw_subject(grammar, rng, verb)
        if word in ("what", "many"):
            thing = _asked_thing(grammar.lexicon, rng, verb, word)
            agreeing = word == "many" and "V.participle" in form.french
            if thing is not None and fits(form, verb, subject) and (verb.referred or not agreeing):
                asked, complement = thing
                clause = say(grammar.lexicon, form, subject, verb, complement)
        elif word != "where" or ({"in", "at"} & set(verb.adjuncts) and not verb.place):
            clause = draw_action(grammar, rng, form, verb, subject, adjuncts=0 if word == "where" else 0.2)
    if clause is None or subject.english == "I":
        return None
    english, french = grammar.tables["question_words"][word]
    return as_question(
        clause._replace(
            english=f"{english} {asked.english} {clause.english}".replace("  ", " "),
            french=f"{french} {asked.french} {clause.french}".replace("  ", " "),
        )
    )


def _asked_thing(lexicon: Lexicon, rng: Random, verb: Verb, word: str) -> tuple[Phrase, Complement] | None:
    """The words after "how many" (none after "what"), and the gap that they leave after the verb."""
    if not verb.objects or verb.preposition or verb.recipient or set(verb.objects) & set(PEOPLE):
        return None
    if word == "what":
        return Phrase("", ""), Complement()
    noun = rng.choice(lexicon.nouns[rng.choice(verb.objects)])
    if noun.mass or True not in noun.plurals or not _COUNTED & set(lexicon.noun_determiners[noun.kind]):
        return None
    asked = noun_phrase(lexicon, noun, "none", plural=True)
    return asked, Complement(agrees=agreement(noun.feminine, True), heads=asked.heads)


_COUNTED = frozenset({"a", "number", "several"})


def _draw_existential(grammar: Grammar, rng: Random) -> Phrase | None:
    """There is a cat in the garden; there is no bread on the table."""
    lexicon, tables = grammar.lexicon, grammar.tables["existential"]
    alive = rng.random() < 0.4
    kinds = tables["animals" if alive else "things"].split()
    english, french, polarity = rng.choice(tables["forms"])
    if polarity == "negative":
        bare = rng.choice(lexicon.nouns[rng.choice(kinds)])
        plural = True in bare.plurals and rng.random() < 0.5
        noun = noun_phrase(lexicon, bare, "none", plural, draw_adjectives(lexicon, rng, bare, 0.25))
    else:
        noun = draw_noun_phrase(lexicon, rng, kinds, ("a", "some", "number", "several"), adjectives=0.35)
    if alive:
        where = draw_place(lexicon, rng, rng.choice(("in", "near")))
    else:
        on, sur = rng.choice(tables["on"])
        furniture = rng.choice([n for n in lexicon.nouns["furniture"] if n.lemma in tables["surfaces"]])
        where = prepositional(lexicon, on, sur, noun_phrase(lexicon, furniture, "the"))
    be = "are" if noun.plural else "is"
    was = "were" if noun.plural else "was"
    slots = {"N": noun.english, "M": noun.english, "C": where.english, "be.present": be, "be.past": was}
    french_slots = {"N": noun.french, "M": noun.french, "C": where.french}
    return Phrase(
        " ".join(slots.get(word, word) for word in english.split()),
        " ".join(french_slots.get(word, word) for word in french.split()),
        combinations=noun.combinations + where.combinations,
    )


def _draw_identity(grammar: Grammar, rng: Random) -> Phrase | None:
    """It is an old red car; these are my shoes."""
    lexicon = grammar.lexicon
    determiners = ("a", "a", "possessive", "owner")
    noun = draw_noun_phrase(lexicon, rng, (*grammar.things, "animal"), determiners, adjectives=0.6)
    if "some" in noun.english.split():
        return None
    row = rng.choice(grammar.tables["identity"]["plural" if noun.plural else "singular"])
    return noun._replace(english=row[0].replace("N", noun.english, 1), french=row[1].replace("N", noun.french, 1))


def _draw_comparison(grammar: Grammar, rng: Random) -> Phrase | None:
    """Paul is taller than Marie; this car is as expensive as my house."""
    lexicon = grammar.lexicon
    if rng.random() < 0.6:
        subject = draw_people(lexicon, rng)
        other = (
            rng.choice(lexicon.pronouns.stressed)
            if rng.random() < 0.35
            else draw_noun_phrase(lexicon, rng, ("name", "name", "family", "acquaintance"), adjectives=0)
        )
    else:
        kind = rng.choice(grammar.things)
        determiners = ("the", "this", "possessive", "owner")
        subject = draw_noun_phrase(lexicon, rng, (kind,), determiners, adjectives=0)
        other = draw_noun_phrase(lexicon, rng, (kind,), determiners, adjectives=0)
    fitting = [a for a in predicates(lexicon, subject) if a.comparative]
    if not fitting or same_people(subject, other):
        return None
    adjective = rng.choice(fitting)
    english, french = rng.choice(grammar.tables["comparison"])
    complement = be_complement(lexicon, subject, adjective.english)
    slots = {"COMPARATIVE": adjective.comparative, "ADJECTIVE": complement.english, "N": other.english}
    french_slots = {"ADJECTIVE": complement.french, "N": other.french}
    compared = complement._replace(
        english=" ".join(slots.get(word, word) for word in english.split()),
        french=" ".join(french_slots.get(word, word) for word in french.split()),
    )
    form = grammar.forms[rng.choice(("be", "was", "be not", "be?"))]
    clause = say(lexicon, form, subject, lexicon.verbs["copula"]["être"], compared)
    return as_question(clause) if form.polarity == "question" else clause


def _draw_report(grammar: Grammar, rng: Random) -> Phrase | None:
    """Marie thinks that Paul is going to buy a car."""
    lexicon = grammar.lexicon
    verb = rng.choice(grammar.verbs["matrix"])
    subject = draw_people(lexicon, rng)
    if verb.lemma == "hope":
        action = rng.choice(grammar.verbs[rng.choice(("activity", "event"))])
        form = grammar.forms[rng.choice(("near future", "near future not"))]
        reported = draw_action(grammar, rng, form, action, draw_subject(grammar, rng, action), adjuncts=0.15)
    else:
        reported = draw_clause(grammar, rng, rng.choice(("statement", "statement", "negative")))
    if reported is None or " , " in reported.english:
        return None
    said = Complement(f"that {reported.english}", f"que {reported.french}", combinations=reported.combinations)
    return say(lexicon, grammar.forms["state"], subject, verb, said)


def _draw_named_form(grammar: Grammar, rng: Random, name: str, subject: Phrase, kind: str = "") -> Phrase | None:
    """A short clause in one form, with a verb of one kind (or any that the form takes)."""
    form = grammar.forms[name]
    verb = rng.choice(grammar.verbs[kind or rng.choice([k for k in form.kinds if k != "perception"])])
    return draw_action(grammar, rng, form, verb, subject, adjuncts=0.15)


def _joined(english: str, french: str, first: Phrase, second: Phrase) -> Phrase:
    slots, french_slots = {"A": first.english, "B": second.english}, {"A": first.french, "B": second.french}
    return Phrase(
        " ".join(slots.get(word, word) for word in english.split()),
        " ".join(french_slots.get(word, word) for word in french.split()),
        combinations=first.combinations + second.combinations,
    )


def _pronoun_for(lexicon: Lexicon, subject: Phrase) -> Phrase:
    """The pronoun that takes a subject up again: the nurses … they, elles."""
    if subject.kind == "pronoun":
        return subject
    if subject.plural:
        return Phrase("they", "elles" if subject.feminine else "ils", ILS, subject.feminine, True, (), "pronoun")
    return next(p for p in lexicon.pronouns.subjects if p.person == subject.person and p.feminine == subject.feminine)


def _draw_reason(grammar: Grammar, rng: Random) -> Phrase | None:
    """My sister is not going to dance because she is tired."""
    row = rng.choice(grammar.tables["reason"])
    subject = draw_people(grammar.lexicon, rng)
    done = _draw_named_form(grammar, rng, rng.choice(row["first"]), subject, "activity")
    if done is None:
        return None
    form = grammar.forms[row["second"]]
    pronoun = _pronoun_for(grammar.lexicon, subject)
    french, feeling = draw_be_complement(grammar.lexicon, rng, pronoun, passing=True)
    reason = say(grammar.lexicon, form, pronoun, grammar.lexicon.verbs["copula"][french], feeling)
    return _joined(row["english"], row["french"], done, reason)


def _draw_compound(grammar: Grammar, rng: Random) -> Phrase | None:
    """Two clauses with a conjunction."""
    row = rng.choice(grammar.tables["compound"])
    first_subject = draw_people(grammar.lexicon, rng)
    first = _draw_named_form(grammar, rng, rng.choice(row["first"]), first_subject, row["kind"])
    if row["second"] == "weather":
        second: Phrase | None = Phrase(*rng.choice(grammar.tables["weather"]))
    else:
        second_subject = draw_people(grammar.lexicon, rng)
        if same_people(first_subject, second_subject):
            return None
        second = _draw_named_form(grammar, rng, row["second"], second_subject)
    return first and second and _joined(row["english"], row["french"], first, second)


def _draw_relative_subject(grammar: Grammar, rng: Random) -> Phrase | None:
    """The woman who is singing is famous; I know the woman who is singing."""
    lexicon = grammar.lexicon
    person = draw_noun_phrase(lexicon, rng, ("person",), ("the",), adjectives=0)
    described = _draw_named_form(
        grammar, rng, rng.choice(grammar.tables["relative"]["forms"]), WHO._replace(**_features(person))
    )
    if described is None:
        return None
    full = person._replace(
        english=f"{person.english} {described.english}",
        french=f"{person.french} {described.french}",
        combinations=person.combinations + described.combinations,
    )
    return _draw_main(grammar, rng, full, "people_verbs")


def _draw_relative_object(grammar: Grammar, rng: Random) -> Phrase | None:
    """The letter that Paul wrote is long; I like the letter that Paul wrote."""
    lexicon = grammar.lexicon
    form = grammar.forms[rng.choice(grammar.tables["relative"]["forms"])]
    verb = rng.choice([verb for kind in form.kinds for verb in grammar.verbs[kind] if verb.referred])
    kinds = [kind for kind in verb.objects if kind in grammar.things]
    subject = draw_people(lexicon, rng)
    if not fits(form, verb, subject):
        return None
    thing = draw_noun_phrase(lexicon, rng, kinds, ("the",), adjectives=0)
    gap = Complement(agrees=agreement(thing.feminine, thing.plural), heads=thing.heads)
    described = say(lexicon, form, subject, verb, gap)
    full = thing._replace(
        english=f"{thing.english} that {described.english}",
        french=f"{thing.french} que {described.french}",
        combinations=thing.combinations + described.combinations,
    )
    return _draw_main(grammar, rng, full, "thing_verbs")


def _features(phrase: Phrase) -> dict[str, Any]:
    return {name: getattr(phrase, name) for name in ("person", "feminine", "plural", "heads", "kind")}


def _draw_main(grammar: Grammar, rng: Random, described: Phrase, verbs: str) -> Phrase | None:
    """A main clause around what a relative clause describes: as the subject of "to be" or as an object."""
    lexicon = grammar.lexicon
    if rng.random() < 0.5:
        adjective = rng.choice(predicates(lexicon, described))
        complement = be_complement(lexicon, described, adjective.english)
        form = grammar.forms[rng.choice(("be", "be not"))]
        return say(lexicon, form, described, lexicon.verbs["copula"]["être"], complement)
    kind, lemma = rng.choice(grammar.tables["relative"][verbs])
    form = grammar.forms[rng.choice(("state", "state not"))]
    subject = draw_people(lexicon, rng)
    if same_people(subject, described):
        return None
    verb = lexicon.verbs[kind][lemma]
    return say(lexicon, form, subject, verb, as_object(described, verb, lexicon))


_DRAW: Mapping[str, Callable[[Grammar, Random], Phrase | None]] = {
    "statement": _draw_statement,
    "negative": _draw_negative,
    "question": _draw_question,
    "open_question": _draw_open_question,
    "who_question": _draw_who_question,
    "existential": _draw_existential,
    "identity": _draw_identity,
    "comparison": _draw_comparison,
    "report": _draw_report,
    "reason": _draw_reason,
    "compound": _draw_compound,
    "relative_subject": _draw_relative_subject,
    "relative_object": _draw_relative_object,
}
