"""The next symbol of a string from a grammar: a head whose answers are judged by what the grammar allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnn_tasks import training
from rnn_tasks.grammar import FOLLOWS, IMPOSSIBLE
from rnn_tasks.shapes.heads import Answers, Score, cross_entropy

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class NextSymbol:
    """The probability of every symbol. Targets are (…, symbols), as of `grammar.next_symbol_targets`.

    An answer is right where the symbols that are possible, and only they, are the most probable (Hochreiter and
    Schmidhuber 1997, experiment 1).

    Attributes:
        symbols: the alphabet.
    """

    symbols: str

    classes: ClassVar[tuple[str, ...]] = ()
    score_names: ClassVar[tuple[str, ...]] = ("accuracy", "loss")
    monitor: ClassVar[str] = "accuracy"

    @property
    def outputs(self) -> int:
        return len(self.symbols)

    def loss(self, outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> training.StepLoss:
        import tensorflow as tf

        return training.categorical_cross_entropy(outputs, tf.argmax(targets, axis=-1), weights)

    def answer(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        return {"probabilities": tf.nn.softmax(tf.cast(outputs, tf.float32))}

    def decided(self, answers: Answers) -> np.ndarray:
        return answers["probabilities"]

    def judge(self, decisions: np.ndarray, targets: np.ndarray) -> Score:
        least_possible = np.min(np.where(targets != IMPOSSIBLE, decisions, np.inf), axis=-1)
        most_impossible = np.max(np.where(targets == IMPOSSIBLE, decisions, -np.inf), axis=-1)
        return Score("accuracy", float(np.mean(least_possible > most_impossible)))

    def scores(self, answers: Answers, targets: np.ndarray) -> list[Score]:
        return [self.judge(answers["probabilities"], targets), cross_entropy(self.likelihood(answers, targets))]

    def trivial(self, train_targets: np.ndarray, examples: int) -> Answers:
        shares = np.mean(np.reshape(train_targets, (-1, self.outputs)) == FOLLOWS, axis=0)
        return {"probabilities": np.tile(shares, (examples, 1))}

    def shown(self, decision: np.ndarray) -> str:
        """The symbols that count as possible: those with more than half of an equal share of all symbols."""
        return "".join(np.array(list(self.symbols))[decision > 0.5 / self.outputs])

    def likelihood(self, answers: Answers, targets: np.ndarray) -> np.ndarray:
        return np.sum(answers["probabilities"], axis=-1, where=targets == FOLLOWS)


def continuation_line(string: str, likely: np.ndarray, alphabet: str) -> str:
    """How likely each symbol is after a string, the likeliest first: `T 0.4981 P 0.4976 …`; empty for an empty string.

    Args:
        string: what was read.
        likely: (time, symbols) what was expected after each of its symbols.
        alphabet: the symbols.
    """
    if not string:
        return ""
    order = np.argsort(-likely[len(string) - 1], kind="stable")
    return " ".join(f"{alphabet[i]} {likely[len(string) - 1, i]:.4f}" for i in order)


def judgement_line(string: str, likely: np.ndarray, alphabet: str) -> str:
    """`probability<TAB>place` of the first symbol, counted from 1, that is not possible at its place.

    If there is no such symbol: how likely the last symbol was, and `-`. Arguments as of `continuation_line`.
    """
    if not string:
        return ""
    found = 1.0
    for place, symbol in enumerate(string, start=1):
        known = symbol in alphabet
        found = float(known) if place == 1 or not known else float(likely[place - 2, alphabet.index(symbol)])
        if found <= 0.5 / len(alphabet):  # equally likely possible symbols have at least twice that
            return f"{found:.6f}\t{place}"
    return f"{found:.6f}\t-"
