"""Clauses: tenses, negations, agreement, pronouns, questions."""

from __future__ import annotations

import pytest

from rnn_tasks.synthetic.english_french.clauses import be_complement, joined, object_pronoun
from rnn_tasks.synthetic.english_french.grammar import finish
from rnn_tasks.synthetic.english_french.phrases import both
from rnn_tasks.synthetic.english_french.sentences import as_question


@pytest.mark.parametrize(
    ("form", "who", "verb", "what", "english", "french"),
    [
        ("progressive", "I", "acheter", "a car", "I am buying a car.", "J'achète une voiture."),
        ("progressive", "we", "acheter", "the car", "We are buying the car.", "Nous achetons la voiture."),
        ("progressive not", "he", "acheter", "a car", "He is not buying a car.", "Il n'achète pas de voiture."),
        ("progressive not", "I", "manger", "some bread", "I am not eating any bread.", "Je ne mange pas de pain."),
        ("never", "she", "manger", "some apple*", "She never eats any apples.", "Elle ne mange jamais de pommes."),
        (
            "no longer",
            "they",
            "porter",
            "this hat",
            "They no longer carry this hat.",
            "Ils ne portent plus ce chapeau.",
        ),
        ("past", "you", "acheter", "the car", "You bought the car.", "Vous avez acheté la voiture."),
        ("past not", "I", "acheter", "the car", "I did not buy the car.", "Je n'ai pas acheté la voiture."),
        ("perfect never", "we", "voir", "this dog", "We have never seen this dog.", "Nous n'avons jamais vu ce chien."),
        ("already", "Anne", "finir", "the book", "Anne has already finished the book.", "Anne a déjà fini le livre."),
        ("recent past", "he", "ouvrir", "the door", "He has just opened the door.", "Il vient d'ouvrir la porte."),
        ("imperfect", "we", "manger", "a egg", "We were eating an egg.", "Nous mangions un œuf."),
        ("imperfect", "I", "manger", "a egg", "I was eating an egg.", "Je mangeais un œuf."),
        ("near future", "I", "écrire", "a poem", "I am going to write a poem.", "Je vais écrire un poème."),
        ("want not", "I", "écrire", "a poem", "I do not want to write a poem.", "Je ne veux pas écrire de poème."),
        ("must", "you", "laver", "the car", "You must wash the car.", "Vous devez laver la voiture."),
        ("state", "I", "aimer", "generic orange*", "I like oranges.", "J'aime les oranges."),
        ("state not", "he", "aimer", "generic milk", "He does not like milk.", "Il n'aime pas le lait."),
        ("past state", "I", "avoir", "a cat", "I had a cat.", "J'avais un chat."),
        ("progressive", "she", "parler à", "the child*", "She is talking to the children.", "Elle parle aux enfants."),
    ],
)
def test_tenses_and_polarities(speaker, form, who, verb, what, english, french):
    negated = speaker.grammar.forms[form].polarity == "negative"
    assert speaker.sentence(form, speaker.subject(who), verb, speaker.object(what, verb, negated)) == (english, french)


@pytest.mark.parametrize(
    ("form", "who", "verb", "english", "french"),
    [
        ("past", "she", "partir", "She left.", "Elle est partie."),
        ("past", "we", "partir", "We left.", "Nous sommes partis."),
        ("past not", "Marie", "arriver", "Marie did not arrive.", "Marie n'est pas arrivée."),
        ("past", "I", "habiller", "I got dressed.", "Je me suis habillé."),
        ("progressive", "I", "habiller", "I am getting dressed.", "Je m'habille."),
        ("past", "she", "lever", "She got up.", "Elle s'est levée."),
        ("past not", "they", "lever", "They did not get up.", "Ils ne se sont pas levés."),
        ("near future", "we", "reposer", "We are going to rest.", "Nous allons nous reposer."),
        ("recent past", "I", "habiller", "I have just got", "Je viens de m'habiller."),
        ("progressive", "he", "nettoyer", "He is cleaning.", "Il nettoie."),
        ("progressive", "we", "nager", "We are swimming.", "Nous nageons."),
        ("imperfect", "you", "voyager", "You were traveling.", "Vous voyagiez."),
    ],
)
def test_etre_and_reflexives(speaker, form, who, verb, english, french):
    said = speaker.sentence(form, speaker.subject(who), verb)
    assert said[1] == french
    assert said[0].startswith(english)


def test_agreement_of_participles_and_adjectives(speaker):
    lexicon = speaker.lexicon
    women = both(speaker.subject("Marie"), speaker.subject("Anne"))
    couple = both(speaker.subject("Marie"), speaker.subject("Paul"))
    assert speaker.sentence("past", women, "partir") == ("Marie and Anne left.", "Marie et Anne sont parties.")
    assert speaker.sentence("past", couple, "partir")[1] == "Marie et Paul sont partis."
    her = next(p for p in lexicon.pronouns.objects if p.english == "her")
    he = speaker.subject("he")
    assert speaker.sentence("past", he, "voir", object_pronoun(her)) == ("He saw her.", "Il l'a vue.")
    assert speaker.sentence("past not", he, "voir", object_pronoun(her))[1] == "Il ne l'a pas vue."
    for who, form, french in [
        ("she", "be", "Elle est heureuse."),
        ("they", "was", "Ils étaient heureux."),
        ("I", "be not", "Je ne suis pas heureux."),
        ("you", "be", "Vous êtes heureux."),
    ]:
        person = speaker.subject(who)
        happy = be_complement(lexicon, person, "happy")
        assert speaker.sentence(form, person, "être", happy)[1] == french
    scarves = speaker.np("the scarf*")
    assert speaker.sentence("be", scarves, "être", be_complement(lexicon, scarves, "white"))[1] == (
        "Les écharpes sont blanches."
    )


def test_pronouns_stand_before_the_verb(speaker):
    me = speaker.lexicon.pronouns.objects[0]
    them = speaker.lexicon.pronouns.indirect[-1]
    he = speaker.subject("he")
    assert speaker.sentence("near future", he, "aider", object_pronoun(me))[1] == "Il va m'aider."
    assert speaker.sentence("state", he, "entendre", object_pronoun(me))[1] == "Il m'entend."
    given = joined(speaker.object("the key", "donner"), object_pronoun(them, indirect=True))
    assert speaker.sentence("past", he, "donner", given) == ("He gave the key to them.", "Il leur a donné la clé.")


@pytest.mark.parametrize(
    ("form", "who", "verb", "what", "english", "french"),
    [
        ("progressive?", "he", "acheter", "a car", "Is he buying a car?", "Est-ce qu'il achète une voiture ?"),
        ("past?", "Anne", "perdre", "this key", "Did Anne lose this key?", "Est-ce qu'Anne a perdu cette clé ?"),
        ("want?", "you", "lire", "a book", "Do you want to read a book?", "Est-ce que vous voulez lire un livre ?"),
        ("state?", "she", "avoir", "two dog*", "Does she have two dogs?", "Est-ce qu'elle a deux chiens ?"),
        (
            "can?",
            "they",
            "réparer",
            "the car",
            "Can they repair the car?",
            "Est-ce qu'ils peuvent réparer la voiture ?",
        ),
    ],
)
def test_questions(speaker, form, who, verb, what, english, french):
    clause = speaker.clause(form, speaker.subject(who), verb, speaker.object(what, verb))
    assert finish(speaker.grammar, as_question(clause)) == (english, french)
