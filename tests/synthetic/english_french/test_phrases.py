"""Noun phrases and places: agreement, elision, contraction, order."""

from __future__ import annotations

import pytest

from rnn_tasks.synthetic.english_french.lexicon import Phrase
from rnn_tasks.synthetic.english_french.phrases import named_place, noun_phrase, place, prepositional


@pytest.mark.parametrize(
    ("text", "english", "french"),
    [
        ("the apple", "the apple", "la pomme"),
        ("the man", "the man", "l'homme"),  # elision before a mute h
        ("the hamster", "the hamster", "le hamster"),  # none before h aspiré
        ("the owl*", "the owls", "les hiboux"),
        ("the horse*", "the horses", "les chevaux"),
        ("some water", "some water", "de l'eau"),
        ("some bread", "some bread", "du pain"),
        ("some apple*", "some apples", "des pommes"),
        ("some good apple*", "some good apples", "de bonnes pommes"),
        ("several egg*", "several eggs", "plusieurs œufs"),
        ("a orange", "an orange", "une orange"),
        ("a red dress", "a red dress", "une robe rouge"),  # adjective after the noun
        ("a small red bag", "a small red bag", "un petit sac rouge"),  # one before, one after
        ("a beautiful hotel", "a beautiful hotel", "un bel hôtel"),
        ("a beautiful house", "a beautiful house", "une belle maison"),
        ("the new umbrella", "the new umbrella", "le nouveau parapluie"),
        ("the new armchair*", "the new armchairs", "les nouveaux fauteuils"),
        ("a new computer", "a new computer", "un nouvel ordinateur"),
        ("the old man", "the old man", "le vieil homme"),
        ("the old man*", "the old men", "les vieux hommes"),
        ("the old woman*", "the old women", "les vieilles femmes"),
        ("this man", "this man", "cet homme"),
        ("this old man", "this old man", "ce vieil homme"),
        ("this scarf*", "these scarves", "ces écharpes"),
        ("my scarf", "my scarf", "mon écharpe"),  # mon before a feminine vowel
        ("my white scarf", "my white scarf", "mon écharpe blanche"),
        ("his beautiful scarf", "his beautiful scarf", "sa belle écharpe"),
        ("her knife*", "her knives", "ses couteaux"),
        ("two French movie*", "two French movies", "deux films français"),
        ("eight expensive tie*", "eight expensive ties", "huit cravates chères"),
    ],
)
def test_noun_phrases_agree(speaker, text, english, french):
    phrase = speaker.np(text)
    assert (phrase.english, speaker.french(phrase)) == (english, french)


@pytest.mark.parametrize(
    ("role", "text", "english", "french"),
    [
        ("to", "the market", "to the market", "au marché"),
        ("to", "the school", "to the school", "à l'école"),
        ("to", "the station", "to the station", "à la gare"),
        ("to", "the big market", "to the big market", "au grand marché"),
        ("from", "the market", "from the market", "du marché"),
        ("from", "the hospital", "from the hospital", "de l'hôpital"),
        ("from", "the kitchen", "from the kitchen", "de la cuisine"),
        ("in", "the garden", "in the garden", "dans le jardin"),
    ],
)
def test_places_contract(speaker, role, text, english, french):
    phrase = place(speaker.lexicon, role, speaker.np(text))
    assert (phrase.english, speaker.french(phrase)) == (english, french)


def test_other_contractions(speaker):
    lexicon = speaker.lexicon
    near = prepositional(lexicon, "near", "près de", speaker.np("the airport"))
    assert speaker.french(near) == "près de l'aéroport"
    assert prepositional(lexicon, "next to", "à côté de", speaker.np("the museum")).french == "à côté du musée"
    assert prepositional(lexicon, "to", "à", speaker.np("the child*")).french == "aux enfants"
    assert prepositional(lexicon, "about", "de", speaker.np("the child*")).french == "des enfants"
    assert prepositional(lexicon, "to", "à", speaker.np("the hamster")).french == "au hamster"
    countries = {row[0]: row for row in lexicon.places["country"]}
    assert lexicon.elide(named_place("from", countries["Italy"]).french) == "d'Italie"
    assert named_place("in", countries["Japan"]) == Phrase("in Japan", "au Japon", kind="place")
    assert named_place("to", countries["the United States"]).french == "aux États-Unis"


def test_owners(speaker):
    owned = noun_phrase(speaker.lexicon, speaker.noun("car"), "owner", owner=speaker.subject("Anne"))
    assert (owned.english, speaker.french(owned)) == ("Anne's car", "la voiture d'Anne")
    baker = noun_phrase(speaker.lexicon, speaker.noun("car"), "owner", owner=speaker.np("the baker"))
    assert (baker.english, baker.french) == ("the baker's car", "la voiture du boulanger")
