"""A model and its head together: batches, records or strings in, answers out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks import export as exporting
from rnn_tasks import training
from rnn_tasks.dataset import INPUTS, TARGETS, ExampleBatches, Examples
from rnn_tasks.shapes.heads import Answers, Head

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Restrict = Callable[[dict[str, "tf.Tensor"], Mapping[str, "tf.Tensor"]], dict[str, "tf.Tensor"]]

ROWS = 500
"""Examples that are answered at once."""


@dataclass(frozen=True)
class Answering:
    """What a model answers.

    Attributes:
        model: batch fields -> outputs (batch, [time,] head.outputs).
        head: what the outputs mean.
        steps: an answer a time step, instead of one an example.
        restrict: (answers, model inputs) -> answers.
    """

    model: keras.Model
    head: Head
    steps: bool
    restrict: Restrict | None = None

    def outputs(self, batch: Mapping[str, tf.Tensor], is_training: bool) -> tf.Tensor:
        """The model's outputs for the fields that its inputs are named after."""
        named = self.model.input
        inputs = {name: batch[name] for name in named} if isinstance(named, dict) else batch[INPUTS]
        return self.model(inputs, training=is_training)

    def answers(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Named answers, (batch, [time,] …) each, dropout off."""
        found = self.head.answer(self.outputs(batch, is_training=False))
        return self.restrict(found, batch) if self.restrict else found

    def weights(self, batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """(batch, [time]): 0 for filler rows and behind the end of a sequence."""
        import tensorflow as tf

        if not self.steps:
            return batch["weights"]
        time = tf.shape(batch[TARGETS])[1]
        return batch["weights"][:, None] * tf.sequence_mask(batch["lengths"], time, tf.float32)

    def judged(
        self, examples: Examples, answer: Callable[[np.ndarray, dict[str, np.ndarray]], Mapping[str, Any]] | None = None
    ) -> tuple[np.ndarray, Answers, np.ndarray]:
        """All answers to a split, in its order.

        Args:
            examples: with fields `inputs` and `targets`.
            answer: (rows, batch) -> answers; this model's own when None.

        Returns:
            The example each answer belongs to, (answers,); answers by name and targets, (answers, …).
        """
        compiled = training.forward(self.answers)
        parts: list[tuple[np.ndarray, dict[str, np.ndarray]]] = []
        for rows, batch in ExampleBatches(examples, ROWS).in_buckets():
            found = answer(rows, batch) if answer else compiled(batch)
            arrays = {name: np.asarray(value)[: len(rows)] for name, value in found.items() if name != "lengths"}
            arrays[TARGETS] = batch[TARGETS][: len(rows)]
            if self.steps:
                lengths = batch["lengths"][: len(rows)]
                inside = np.arange(batch[TARGETS].shape[1]) < lengths[:, None]  # (rows, time)
                # The answers of an export to strings are as long as the longest string.
                arrays = {
                    name: value[:, : inside.shape[1]][inside[:, : value.shape[1]]] for name, value in arrays.items()
                }
                rows = np.repeat(rows, lengths)
            parts.append((rows, arrays))
        example = np.concatenate([rows for rows, _ in parts])
        order = np.argsort(example, kind="stable")
        joined = {name: np.concatenate([arrays[name] for _, arrays in parts])[order] for name in parts[0][1]}
        targets = joined.pop(TARGETS)
        return example[order], joined, targets

    def endpoint(self, encoder: Callable[[tf.Tensor], Any] | None) -> exporting.Endpoint:
        """Strings (batch,) or a dict of the model's inputs -> named answers.

        Args:
            encoder: strings -> the model's inputs; None for an endpoint on arrays.
        """
        import tensorflow as tf

        if encoder is None:
            named = self.model.input if isinstance(self.model.input, dict) else {INPUTS: self.model.input}
            return exporting.Endpoint(
                self._served, [{name: tf.TensorSpec(t.shape, t.dtype, name=name) for name, t in named.items()}]
            )

        def serve(strings: tf.Tensor) -> dict[str, tf.Tensor]:
            encoded = encoder(strings)
            return self._served(encoded if isinstance(encoded, dict) else {INPUTS: encoded})

        return exporting.Endpoint(serve, [tf.TensorSpec([None], tf.string, name="strings")])

    def _served(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Answers; with an answer a step, also the number of steps that count in each row."""
        import tensorflow as tf

        answers = self.answers(inputs)
        if not self.steps:
            return answers
        lengths = inputs.get("lengths")
        if lengths is None:  # the inputs are ids, and 0 is padding
            lengths = tf.reduce_sum(tf.cast(inputs[INPUTS] != 0, tf.int32), axis=1)
        return {**answers, "lengths": lengths}


def padded_inputs(records: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Sequences (time, features), or (time,) of one feature, as model inputs: zeros behind each, and its length."""
    sequences = [record.reshape(len(record), -1) for record in records]
    lengths = np.array([len(sequence) for sequence in sequences], np.int32)
    inputs = np.zeros((len(sequences), lengths.max(), sequences[0].shape[1]), np.float32)
    for row, sequence in enumerate(sequences):
        inputs[row, : len(sequence)] = sequence
    return {INPUTS: inputs, "lengths": lengths}


def stacked_inputs(records: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Records of one shape as the model's only input, (batch, …)."""
    return {INPUTS: np.stack(records).astype(np.float32)}


def answer_lines(answers: Mapping[str, Any]) -> Iterator[str]:
    """One line an example: the values that each answer has, one of each kind, separated by tabs.

    Args:
        answers: by name, (batch, …). With `lengths` (batch,) among them there is an answer a time step, (batch, time,
            …), and those of an example stand separated by spaces.
    """
    arrays = {name: np.asarray(value) for name, value in answers.items()}
    lengths = arrays.pop("lengths", None)
    axes = 1 if lengths is None else 2
    single = [array for array in arrays.values() if array.ndim == axes] or list(arrays.values())[:1]
    shown = sorted(single, key=lambda array: array.dtype.kind != "O")  # words come first
    for row in range(len(shown[0])):
        if lengths is None:
            yield "\t".join(_text(array[row]) for array in shown)
        else:
            yield "\t".join(" ".join(map(_text, array[row, : lengths[row]])) for array in shown)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return ",".join(f"{number:.6f}" for number in np.ravel(value))
