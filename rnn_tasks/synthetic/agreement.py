"""Text in which symbols agree over a distance that no n-gram spans: brackets close as they opened, names return.

    Anna sold the old boat, and Anna went home (near the barn [by the slow mill too] too).

After `too`, a bracket of one of four kinds closes. After `and` comes the name that began the line. Neither can be
predicted from the few symbols before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

NAMES = ("Anna", "Bruno", "Clara", "David", "Elsa", "Franz", "Greta", "Hugo")
NOUNS = ("barn", "boat", "bridge", "cart", "farm", "field", "garden", "house", "mill", "road", "river", "shop", "tower")
ADJECTIVES = ("big", "blue", "dark", "dry", "green", "long", "new", "old", "quiet", "red", "slow", "small", "white")
VERBS = ("bought", "built", "crossed", "found", "left", "painted", "saw", "sold")
PREPOSITIONS = ("behind", "beside", "by", "near", "over", "under")
ENDINGS = ("went home", "slept well", "was glad", "sang a song", "said no more")
BRACKETS = ("()", "[]", "{}", "<>")
LINES = (4, 9)  # of a document
NESTED = 0.3  # how often a bracket holds another one
DEEPEST = 2
DESCRIBED = 0.3  # how often a thing has an adjective

_AGREEING = re.compile(rf"too ?([)\]}}>])|and ?({'|'.join(NAMES)})", re.IGNORECASE)  # the text may be lower-cased


def agreement_document(rng: np.random.Generator) -> str:
    """Some lines, each with its end."""
    return "".join(f"{_sentence(rng)}\n" for _ in range(rng.integers(*LINES)))


def agreement_documents(count: int, seed: int, split: int) -> Iterator[str]:
    """Documents of a split, a function of (seed, split)."""
    rng = np.random.default_rng([seed, split])
    for _ in range(count):
        yield agreement_document(rng)


def agreeing(surfaces: Sequence[str]) -> np.ndarray:
    """Which tokens agree with something far before them.

    Args:
        surfaces: the tokens of a text, as they are written; spaces between words may be missing.

    Returns:
        Their positions, rising.
    """
    offsets = np.cumsum([0, *map(len, surfaces)])
    places = [match.start(match.lastindex or 0) for match in _AGREEING.finditer("".join(surfaces))]
    return np.searchsorted(offsets, places, side="right") - 1


def _sentence(rng: np.random.Generator) -> str:
    name, verb, ending = (str(rng.choice(words)) for words in (NAMES, VERBS, ENDINGS))
    return f"{name} {verb} {_thing(rng)}, and {name} {ending} {_bracketed(rng, 1)}."


def _bracketed(rng: np.random.Generator, depth: int) -> str:
    opening, closing = rng.choice(BRACKETS)
    nested = f" {_bracketed(rng, depth + 1)}" if depth < DEEPEST and rng.random() < NESTED else ""
    return f"{opening}{rng.choice(PREPOSITIONS)} {_thing(rng)}{nested} too{closing}"


def _thing(rng: np.random.Generator) -> str:
    adjective = f"{rng.choice(ADJECTIVES)} " if rng.random() < DESCRIBED else ""
    return f"the {adjective}{rng.choice(NOUNS)}"
