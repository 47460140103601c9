"""The graph of an automaton: each state once, each pair of states one arrow with all its symbols."""

import itertools

import numpy as np
import pytest
from matplotlib.patches import Circle, FancyArrowPatch

from rnn_tasks import grammar, plots


@pytest.mark.parametrize("name", grammar.LANGUAGES)
def test_every_state_and_arc_is_drawn_and_no_two_states_overlap(name):
    language = grammar.named_language(name)
    (axes,) = plots.automaton_graph(language, name).axes
    circles = [patch for patch in axes.patches if isinstance(patch, Circle)]
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    states = {state for one, _, to in language.arcs for state in (one, to)}
    assert len(circles) == len(states)
    assert len(arrows) == len({(one, to) for one, _, to in language.arcs})
    words = [text.get_text() for text in axes.texts]
    assert {int(word) for word in words if word.isdigit()} == states
    assert sorted("".join(w for w in words if not w.isdigit()).replace(", ", "")) == sorted(a[1] for a in language.arcs)
    for one, other in itertools.combinations(circles, 2):
        assert np.hypot(*np.subtract(one.center, other.center)) > 2.2 * one.radius


def test_symbols_of_one_pair_share_an_arrow():
    language = grammar.Automaton("ab", start=0, end=1, arcs=((0, "a", 1), (0, "b", 1)))
    (axes,) = plots.automaton_graph(language).axes
    assert "a, b" in [text.get_text() for text in axes.texts]
