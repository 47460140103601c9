"""Tasks that answer sequences: once at the end (sequence to vector), or at every step (sequence to sequence).

A task says how its data are prepared, which model reads them and what the model's outputs mean (its head); training,
report, export and prediction follow. Whatever is special is overridden: every argument of `Task` may be given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks import export as exporting
from rnn_tasks import files, training
from rnn_tasks.dataset import RECORDS, TARGETS, ExampleBatches, Examples
from rnn_tasks.line_stream import chunks
from rnn_tasks.shapes.answers import ROWS, Answering, Restrict, answer_lines, padded_inputs
from rnn_tasks.shapes.details import Details, Judged
from rnn_tasks.shapes.heads import Head
from rnn_tasks.shapes.report import answers_report
from rnn_tasks.task import Exported, Prepared, Report, Task, Trained

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Config = Any


def sequence_to_vector(**declared: Any) -> Task:
    """A task that reads a sequence to its end and answers once; arguments as of `sequence_task`."""
    return sequence_task(shape="sequence to vector", steps=False, **declared)


def sequence_to_sequence(**declared: Any) -> Task:
    """A task that answers at every step of a sequence; arguments as of `sequence_task`."""
    return sequence_task(shape="sequence to sequence", steps=True, **declared)


def sequence_task(
    *,
    steps: bool | Callable[[Prepared], bool],
    build: Callable[[Config, Prepared], keras.Model],
    head: Callable[[Prepared], Head],
    encoder: Callable[[Prepared], tf.Module] | None = None,
    arrays: Callable[[Sequence[Any]], Mapping[str, np.ndarray]] = padded_inputs,
    restrict: Restrict | None = None,
    details: Callable[[Config, Prepared, Judged], Details] | None = None,
    batches: Callable[[Config, Prepared], training.Batches] | None = None,
    **declared: Any,
) -> Task:
    """A task whose examples are sequences.

    Args:
        steps: whether there is an answer a step, instead of one an example; or prepared -> that, if settings decide.
        build: (config, prepared) -> the built model, from the fields of a batch that its inputs are named after (a
            model of one unnamed input reads "inputs") to outputs (batch, [time,] head.outputs).
        head: prepared -> what the outputs mean.
        encoder: prepared -> strings (batch,) to model inputs, in a graph, for records that are text.
        arrays: records -> model inputs, for other records; by default rows of numbers, padded.
        restrict: (answers, model inputs) -> answers, for cases that are decided without the model.
        details: what stands in the report besides the head's scores.
        batches: what is trained on, if it is not the training split; then that split is a sample of it, and baselines
            learn from the sample.
        declared: the rest of `Task`, or a stage of the task's own.
    """
    by_step = steps if callable(steps) else lambda prepared: steps
    stages = _Stages(by_step, build, head, encoder, arrays, restrict, details, batches)
    made = {
        "train": stages.train,
        "evaluate": stages.evaluate,
        "export": stages.export,
        "predict": stages.predict,
        "metrics": lambda prepared: [f"test_{name}" for name in head(prepared).score_names],
        "example_batch": stages.example_batch,
    }
    return Task(build=build, **{**made, **declared})


@dataclass(frozen=True)
class _Stages:
    """The stages of one task."""

    steps: Callable[[Prepared], bool]
    build: Callable[[Config, Prepared], keras.Model]
    head: Callable[[Prepared], Head]
    encoder: Callable[[Prepared], tf.Module] | None
    arrays: Callable[[Sequence[Any]], Mapping[str, np.ndarray]]
    restrict: Restrict | None
    details: Callable[[Config, Prepared, Judged], Details] | None
    batches: Callable[[Config, Prepared], training.Batches] | None

    def train(
        self,
        config: Config,
        prepared: Prepared,
        work_dir: Path,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> Trained:
        """The best epoch on validation is kept."""
        head, val = self.head(prepared), Examples(prepared.directory / "val")
        with training.training_scope(config.training, config.seed):
            model = self.build(config, prepared)
            answering = self._answering(model, prepared)

            def loss(model: keras.Model, batch: dict[str, tf.Tensor], is_training: bool) -> training.StepLoss:
                outputs = answering.outputs(batch, is_training)
                return head.loss(outputs, batch[TARGETS], answering.weights(batch))

            answer = training.forward(answering.answers)  # compiled once for all epochs

            def validate(_: keras.Model) -> dict[str, float]:
                _, answers, targets = answering.judged(val, lambda _, batch: answer(batch))
                return {f"val_{score.name}": score.value for score in head.scores(answers, targets)}

            return training.fit(
                model,
                self._batches(config, prepared),
                loss,
                config=config.training,
                work_dir=work_dir,
                validate=validate,
                monitor=f"val_{head.monitor}",
                higher_is_better=head.monitor != "loss",
                callbacks=callbacks,
                throughput="train_steps_per_second" if self.steps(prepared) else "train_examples_per_second",
            )

    def evaluate(self, config: Config, prepared: Prepared, trained: Trained, out_dir: Path) -> Report:
        """Scores of the test split beside trivial methods, tables and figures by group, samples."""
        head = self.head(prepared)
        train, test = (Examples(prepared.directory / split) for split in ("train", "test"))
        model = self._trained(config, prepared, trained)
        example, answers, targets = self._answering(model, prepared).judged(test)
        judged = Judged(train, test, example, targets, answers, head.decided(answers), model, trained)
        details = self.details(config, prepared, judged) if self.details else Details()
        return answers_report(head, judged, details, out_dir)

    def export(self, config: Config, prepared: Prepared, trained: Trained, out_dir: Path) -> Exported:
        """The model with an endpoint `serve`, from strings or arrays to answers; checked on the test split."""
        answering = self._answering(self._trained(config, prepared, trained), prepared)
        encoder = self.encoder(prepared) if self.encoder else None
        test = Examples(prepared.directory / "test")
        with files.whole_directory(out_dir) as aside:
            endpoints = {"serve": answering.endpoint(encoder)}
            exporting.export_model(answering.model, endpoints, aside, resources=[encoder] if encoder else [])
            served = exporting.load_endpoints(aside)

            def answer(rows: np.ndarray, batch: dict[str, np.ndarray]) -> Mapping[str, Any]:
                if encoder:
                    return served.serve(np.array([test[RECORDS][row] for row in rows], object))
                return served.serve({name: batch[name] for name in endpoints["serve"].signature[0]})

            exporting.check_same_answers(answering.judged(test)[1], answering.judged(test, answer)[1])
        return Exported(
            directory=out_dir,
            keras_model=out_dir / exporting.KERAS_MODEL,
            saved_model=out_dir / exporting.SAVED_MODEL,
            checked=len(test),
        )

    def predict(self, export_dir: Path, records: Iterable[Any], options: Any) -> Iterator[str]:
        """A line a record: its answers, separated by tabs; an empty line for an empty one."""
        served = exporting.load_endpoints(export_dir)
        for chunk in chunks(records, ROWS):
            if self.encoder:
                strings = [record.strip() for record in chunk]
                lines = answer_lines(served.serve(np.array(strings, object)))
                yield from (line if string else "" for string, line in zip(strings, lines, strict=True))
            else:
                yield from answer_lines(served.serve(dict(self.arrays(chunk))))

    def example_batch(self, config: Config, prepared: Prepared) -> Mapping[str, np.ndarray]:
        """The first batch of training."""
        return next(self._batches(config, prepared).epoch(0))

    def _batches(self, config: Config, prepared: Prepared) -> training.Batches:
        if self.batches:
            return self.batches(config, prepared)
        train = Examples(prepared.directory / "train")
        return ExampleBatches(train, config.training.batch_size, config.seed, config.training.batch_shapes)

    def _trained(self, config: Config, prepared: Prepared, trained: Trained) -> keras.Model:
        return training.load_weights(self.build(config, prepared), trained.weights)

    def _answering(self, model: keras.Model, prepared: Prepared) -> Answering:
        return Answering(model, self.head(prepared), self.steps(prepared), self.restrict)
