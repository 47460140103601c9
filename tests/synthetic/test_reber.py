"""The Reber languages against regular expressions written from the figures, closed forms and golden strings."""

import collections
import hashlib
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks import grammar, synthetic, text

# Independent of the automaton. From state 3 of figure 3 (after the first P): T* V, then out by V or PS, or round by PX;
# from state 4 (after T S* X): out by S, or by X into state 3.
FROM_STATE_3 = "(?:T*VPX)*T*V(?:V|PS)"
REBER = f"B(?:TS*X(?:S|X{FROM_STATE_3})|P{FROM_STATE_3})E"
EMBEDDED = re.compile(f"B(?:T{REBER}T|P{REBER}P)E")

SEEDS = st.integers(0, 2**31 - 1)
KINDS = sorted(synthetic.MIXTURE)


@pytest.mark.parametrize(
    "string",
    ["BTXSE", "BPVVE", "BTSXSE", "BPTVVE", "BPVPSE", "BTXXVVE", "BTSSXXTTVVE", "BPVPXTVPXVPSE", "BTXXTVPSE"],
)
def test_reber_strings_of_the_figure_are_members(string):
    assert grammar.is_reber(string)
    assert grammar.is_embedded_reber(f"BT{string}TE")
    assert grammar.is_embedded_reber(f"BP{string}PE")


@pytest.mark.parametrize(
    "string",
    [
        "",
        "B",
        "BTXSE",
        "BTBTXSETEE",
        "BBTBTXSETE",
        "BTBTXSEPE",
        "BPBTXSETE",
        "BTBTXSET",
        "btbtxsete",
        "BTBTXSETE ",
        "é",
    ],
)
def test_what_is_not_embedded_reber(string):
    assert not grammar.is_embedded_reber(string)


@settings(max_examples=300, deadline=None)
@given(st.text("BTSXPVE", max_size=14))
def test_membership_of_any_string_is_the_regular_expressions(string):
    assert grammar.is_embedded_reber(string) == bool(EMBEDDED.fullmatch(string))
    assert grammar.is_reber(string) == bool(re.fullmatch(REBER, string))


def test_every_change_of_one_symbol_is_judged_as_by_the_regular_expression():
    for string in set(grammar.embedded_reber_strings(300, seed=5)):
        for place in range(len(string)):
            for symbol in "BTSXPVE?":
                changed = string[:place] + symbol + string[place + 1 :]
                assert grammar.is_embedded_reber(changed) == bool(EMBEDDED.fullmatch(changed)), changed


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_every_generated_string_is_a_member(seed):
    assert all(
        EMBEDDED.fullmatch(s) and grammar.is_embedded_reber(s) for s in grammar.embedded_reber_strings(200, seed)
    )
    assert all(re.fullmatch(REBER, s) and grammar.is_reber(s) for s in grammar.reber_strings(200, seed))


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.sampled_from(KINDS))
def test_every_corrupted_string_is_outside_the_language(seed, kind):
    rng = np.random.default_rng(seed)
    for string in grammar.embedded_reber_strings(20, seed):
        changed = synthetic.corrupt(string, kind, rng)
        assert not EMBEDDED.fullmatch(changed)
        places = [i for i, (a, b) in enumerate(zip(string, changed, strict=True)) if a != b]
        if kind == "swap":
            assert len(places) == 2
            assert places[1] == places[0] + 1
            assert sorted(string) == sorted(changed)
        else:
            assert len(places) == 1
        if kind == "long_range":
            assert places[0] in (1, len(string) - 2)
            assert re.fullmatch(f"B[TP]{REBER}[TP]E", changed)


def test_golden_strings():
    strings = grammar.embedded_reber_strings(100_000, seed=1)
    assert strings[:4] == ["BTBPVPSETE", "BPBPTVPSEPE", "BTBTSSXXVPXTVPXVPXTVPXTTVPSETE", "BPBTSSSSXXVPSEPE"]
    digest = hashlib.sha256("\n".join(strings).encode()).hexdigest()
    assert digest == "b28a82a455968303e13f6fc82e7060a13add117fce45f2bedbfa420d95506fb5"
    assert len(set(strings)) == 3241


def test_lengths_follow_the_transition_probabilities():
    """4 symbols are wrapped around; 5-symbol Reber strings: BTXSE, BPVVE, an eighth each; 6: three of a sixteenth."""
    count = 100_000
    lengths = collections.Counter(map(len, grammar.embedded_reber_strings(count, seed=3)))
    for length, probability in {9: 2 / 8, 10: 3 / 16}.items():
        deviation = (probability * (1 - probability) / count) ** 0.5
        assert abs(lengths[length] / count - probability) < 5 * deviation
    assert min(lengths) == 9


def test_no_strings_are_no_strings():
    assert grammar.embedded_reber_strings(0, seed=1) == []


def test_data_set_is_balanced_distinct_true_and_reproducible():
    data = synthetic.reber_dataset(2001, seed=7)
    assert len(data.strings) == len(set(data.strings)) == 2001
    assert sum(data.labels) == 1001
    assert data.labels == [int(bool(EMBEDDED.fullmatch(s))) for s in data.strings]
    assert [kind == text.MEMBER for kind in data.kinds] == [label == 1 for label in data.labels]
    assert data == synthetic.reber_dataset(2001, seed=7)
    assert data.strings != synthetic.reber_dataset(2001, seed=8).strings


def test_splits_share_no_string_and_are_alike():
    counts = {"train": 4000, "val": 1000, "test": 1000}
    splits = synthetic.reber_splits(counts, seed=2)
    assert {name: len(split.strings) for name, split in splits.items()} == counts
    assert len({s for split in splits.values() for s in split.strings}) == sum(counts.values())
    means = [np.mean([len(s) for s in split.strings]) for split in splits.values()]
    assert max(means) - min(means) < 1.5
    for name, split in splits.items():
        assert sum(split.labels) == counts[name] // 2
        kinds = collections.Counter(split.kinds)
        for kind, share in synthetic.MIXTURE.items():  # "symbol" takes over for long-range corruptions already taken
            assert abs(kinds[kind] - share * counts[name] / 2) < 0.05 * counts[name] / 2


def test_mixture_of_one_kind():
    split = synthetic.reber_splits({"all": 400}, seed=1, mixture={"swap": 1.0})["all"]
    assert set(split.kinds) == {text.MEMBER, "swap"}


@pytest.mark.parametrize(
    ("arcs", "message"),
    [
        (((0, "a", 1), (0, "a", 2), (1, "b", 2)), "two arcs"),
        (((0, "c", 1),), "outside the alphabet"),
        (((0, "a", 1), (1, "b", 0)), "the end"),
        (((0, "a", 1), (0, "b", 2)), "dead end"),
    ],
)
def test_automata_that_cannot_be_walked_are_refused(arcs, message):
    with pytest.raises(ValueError, match=message):
        grammar.Automaton("ab", start=0, end=1, arcs=arcs)
