"""Grammars as TOML: what the package and users write, and what is wrong with it."""

import itertools

import nltk
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks import grammar
from rnn_tasks.errors import UserError

BRACKETS = """
symbols = "ab[]"

[inner]
start = 0
end = 2
arcs = [[0, "a", 1], [1, "a", 1], [1, "b", 2]]

[outer]
start = 5
end = 1
arcs = [[5, "[", 0], [0, "inner", 3], [3, "]", 1], [3, "a", 3]]
"""


def read(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return grammar.read_grammar(path)


def test_the_last_table_is_the_grammar_and_others_stand_in_it(tmp_path):
    language = read(tmp_path, BRACKETS)
    assert [language.accepts(string) for string in ("[ab]", "[aaab]", "[abaa]", "[b]", "ab", "[ab")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    assert all(language.accepts(string) for string in language.strings(200, np.random.default_rng(1)))
    assert language.continuations("[ab]") == ["[", "a", "ab", "a]"]


TABLE = 'symbols = "ab"\n[one]\nstart = 0\nend = 1\narcs = '


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("symbols = ", "mine.toml: no TOML"),
        ("[one]\nstart = 0", "symbols: found None, accepted is the alphabet in one string"),
        ('symbols = "ab"', "no table with an automaton"),
        ('symbols = "ab"\nother = 3', "other: found 3, accepted"),
        (TABLE + "[]", r"\[one\]: arcs: found \[\], accepted is a list"),
        (TABLE + '[[0, "a"]]', r"\[one\]: arc 1: found \[0, 'a'\], accepted is \[from, symbol, to\]"),
        (TABLE + '[[0, "a", true]]', "arc 1: found"),
        (TABLE + '[[0, "a", 1]]\nends = 1', "unknown key 'ends', accepted is start, end and arcs"),
        (TABLE + '[[0, "c", 1]]', "symbol 'c' is outside the alphabet 'ab'"),
        (TABLE + '[[0, "a", 1], [0, "a", 2], [2, "b", 1]]', "two arcs leave state 0 with the symbol 'a'"),
        (TABLE + '[[0, "a", 1], [2, "b", 1]]', "state 2 is unreachable from the start, state 0"),
        (TABLE + '[[0, "a", 1], [0, "b", 2], [2, "a", 2]]', "state 2 is a dead end: the end, state 1, is unreachable"),
        (TABLE + '[[0, "a", 1], [1, "b", 0]]', "the end, state 1, must be left by no arc"),
        (TABLE + '[[0, "one", 1]]', "one in one: an automaton cannot stand in itself"),
        (TABLE.replace("end = 1", "end = x") + "[]", "no TOML"),
        (TABLE.replace("end = 1", "end = -1") + '[[0, "a", 1]]', "end: found -1, accepted is the number of a state"),
    ],
)
def test_a_malformed_grammar_is_one_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)


def as_context_free(language):
    """The equivalent right-linear grammar, for nltk."""
    rules = [
        f"S{one} -> '{symbol}'" if to == language.end else f"S{one} -> '{symbol}' S{to}"
        for one, symbol, to in language.arcs
    ]
    rules.sort(key=lambda rule: not rule.startswith(f"S{language.start} "))  # the first one's left side is the start
    return nltk.CFG.fromstring("\n".join(rules))


@pytest.fixture(scope="module")
def parsers():
    return {name: nltk.ChartParser(as_context_free(grammar.named_language(name))) for name in grammar.LANGUAGES}


@pytest.mark.parametrize("name", grammar.LANGUAGES)
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(0, 100), st.sampled_from("BTSXPVE"))
def test_nltks_parser_agrees_on_members_and_on_changed_strings(parsers, name, seed, place, symbol):
    language = grammar.named_language(name)
    (string,) = language.strings(1, np.random.default_rng(seed))
    place %= len(string)
    for candidate in (string, string[:place] + symbol + string[place + 1 :], string[:-1]):
        parsed = next(iter(parsers[name].parse(list(candidate))), None) is not None
        assert parsed == language.accepts(candidate)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_continuations_are_the_symbols_behind_which_a_member_can_be_completed(seed):
    language = grammar.named_language("reber")
    (string,) = language.strings(1, np.random.default_rng(seed))
    members = {"".join(s) for n in range(1, 7) for s in itertools.product(language.symbols, repeat=n)}
    members = {s for s in members if language.accepts(s)} if len(string) <= 6 else set()
    for prefix, allowed in enumerate(language.continuations(string)):
        assert string[prefix] in allowed
        for member in members:
            if member.startswith(string[:prefix]) and len(member) > prefix:
                assert member[prefix] in allowed


def test_a_language_of_few_strings_says_so():
    language = grammar.Automaton("ab", start=0, end=1, arcs=((0, "a", 1), (0, "b", 1)))
    assert sorted(language.distinct_strings(2, np.random.default_rng(1))) == ["a", "b"]
    with pytest.raises(ValueError, match="5 different strings are wanted, only 2 were found"):
        language.distinct_strings(5, np.random.default_rng(1))
