"""The next symbol: targets, success and lines, by hand."""

import numpy as np

from rnn_tasks import grammar, shapes

HEAD = shapes.NextSymbol("BTSXPVE")


def targets_of(string):
    (targets,) = grammar.next_symbol_targets([string], grammar.named_language("embedded"))
    return targets


def test_targets_mark_what_follows_and_what_could():
    #          B  T  S  X  P  V  E
    expected = [
        [0, 2, 0, 0, 1, 0, 0],  # B: T follows, P could
        [2, 0, 0, 0, 0, 0, 0],  # BT
        [0, 2, 0, 0, 1, 0, 0],  # BTB
        [0, 0, 1, 2, 0, 0, 0],  # BTBT
        [0, 0, 2, 1, 0, 0, 0],  # BTBTX
        [0, 0, 0, 0, 0, 0, 2],  # BTBTXS
        [0, 2, 0, 0, 0, 0, 0],  # BTBTXSE: T, as the second symbol was, and not P
        [0, 0, 0, 0, 0, 0, 2],
    ]
    np.testing.assert_array_equal(targets_of("BTBTXSETE"), expected)


def test_success_is_that_the_possible_symbols_and_only_they_are_the_most_probable():
    targets = targets_of("BTBTXSETE")[:2]
    right = np.array([[0.0, 0.5, 0.1, 0.0, 0.4, 0.0, 0.0], [0.9, 0.1, 0, 0, 0, 0, 0]])
    one_wrong = np.array([[0.2, 0.7, 0.0, 0.0, 0.1, 0.0, 0.0], [0.9, 0.1, 0, 0, 0, 0, 0]])
    tie = np.full((2, 7), 1 / 7)
    assert [HEAD.judge(decisions, targets).value for decisions in (right, one_wrong, tie)] == [1.0, 0.5, 0.0]
    np.testing.assert_allclose(HEAD.likelihood({"probabilities": right}, targets), [0.5, 0.9])
    assert HEAD.shown(targets[0]) == "TP"
    assert HEAD.shown(one_wrong[0]) == "BTP"


def test_the_baseline_is_how_often_each_symbol_follows():
    targets = targets_of("BTBTXSETE")
    shares = HEAD.trivial(targets, examples=2)["probabilities"]
    np.testing.assert_allclose(shares, np.tile([1 / 8, 3 / 8, 1 / 8, 1 / 8, 0, 0, 2 / 8], (2, 1)))


def test_lines_tell_the_distribution_and_the_first_wrong_place():
    likely = np.array([[0, 0.6, 0, 0, 0.4, 0, 0], [0.99, 0.01, 0, 0, 0, 0, 0], [0, 0.3, 0, 0, 0.7, 0, 0]])
    assert shapes.continuation_line("BTB", likely, HEAD.symbols).startswith("P 0.7000 T 0.3000 B 0.0000")
    assert shapes.continuation_line("", likely, HEAD.symbols) == ""
    assert shapes.judgement_line("BTB", likely, HEAD.symbols) == "0.990000\t-"
    assert shapes.judgement_line("BTT", likely, HEAD.symbols) == "0.010000\t3"
    assert shapes.judgement_line("B?T", likely, HEAD.symbols) == "0.000000\t2"
    assert shapes.judgement_line("?", likely, HEAD.symbols) == "0.000000\t1"
    assert shapes.judgement_line("", likely, HEAD.symbols) == ""
