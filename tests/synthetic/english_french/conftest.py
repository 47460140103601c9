"""The English-French grammar, and short ways to say in tests what it should say."""

from __future__ import annotations

import pytest

from rnn_tasks.synthetic.english_french.clauses import NOTHING, Complement, as_object, say
from rnn_tasks.synthetic.english_french.grammar import Grammar, finish, load_grammar
from rnn_tasks.synthetic.english_french.lexicon import Noun, Phrase, Verb
from rnn_tasks.synthetic.english_french.phrases import noun_phrase


class Speaker:
    """Words, phrases and sentences of a grammar, by their names."""

    def __init__(self, grammar: Grammar):
        self.grammar, self.lexicon = grammar, grammar.lexicon

    def noun(self, english: str) -> Noun:
        return next(n for nouns in self.lexicon.nouns.values() for n in nouns if n.lemma == english)

    def verb(self, french: str) -> Verb:
        """ "parler", or with the preposition of its object: "parler à"."""
        infinitive, _, preposition = french.partition(" ")
        return next(
            verb
            for kind in ("activity", "event", "perception", "state", "copula")
            for verb in self.grammar.verbs[kind]
            if verb.french["V.infinitive"][0] == infinitive and preposition in ("", verb.preposition)
        )

    def subject(self, english: str) -> Phrase:
        return next(p for p in (*self.lexicon.pronouns.subjects, *self.lexicon.names) if p.english == english)

    def np(self, text: str, negated: bool = False) -> Phrase:
        """ "the old man", "two red car*": determiner, adjectives, noun; a final * makes it plural."""
        determiner, *adjectives, noun = text.split()
        return noun_phrase(
            self.lexicon,
            self.noun(noun.removesuffix("*")),
            determiner,
            noun.endswith("*"),
            [self.lexicon.adjectives[a] for a in adjectives],
            negated,
        )

    def french(self, phrase: Phrase) -> str:
        return self.lexicon.elide(phrase.french)

    def object(self, text: str, verb: str, negated: bool = False) -> Complement:
        return as_object(self.np(text, negated), self.verb(verb), self.lexicon)

    def clause(self, form: str, who: Phrase, verb: str, what: Complement = NOTHING) -> Phrase:
        return say(self.lexicon, self.grammar.forms[form], who, self.verb(verb), what)

    def sentence(self, form: str, who: Phrase, verb: str, what: Complement = NOTHING) -> tuple[str, str]:
        return finish(self.grammar, self.clause(form, who, verb, what))


@pytest.fixture(scope="session")
def grammar() -> Grammar:
    return load_grammar()


@pytest.fixture(scope="session")
def speaker(grammar) -> Speaker:
    return Speaker(grammar)
