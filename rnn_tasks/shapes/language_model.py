"""Tasks on running text: what the next token is, from all before it.

A task says where its text comes from; tokens, training over parallel streams, report, export with the tokeniser inside,
scoring and writing follow.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks import export as exporting
from rnn_tasks import files, models, text, training
from rnn_tasks.line_stream import Piece, chunks
from rnn_tasks.preparation import prepare_once
from rnn_tasks.shapes.config import samples_fewer_than_all
from rnn_tasks.shapes.language_config import GenerationOptions, JudgingOptions, LanguageConfig
from rnn_tasks.shapes.language_report import Passages, language_report
from rnn_tasks.shapes.starting_vectors import prepare_vectors, start_from_vectors, vector_files
from rnn_tasks.task import Exported, Overfit, Prepared, Report, Task, Trained

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

LINES = 32  # scored together
CHECKED = 64  # tokens that the export must write as the model does
METRICS = ("test_perplexity", "test_bits_per_character", "test_nats", "test_accuracy")


def language_model(
    *,
    documents: Callable[[Any], text.Documents],
    agreeing: Callable[[Any], Callable[[Sequence[str]], np.ndarray] | None] = lambda config: None,
    **declared: Any,
) -> Task:
    """A task whose examples are one long text.

    Args:
        documents: config -> its text by split.
        agreeing: config -> a function that takes a text's tokens as they are written and marks those that follow only
            from what stands far before them; None if they are not known.
        declared: the rest of `Task`, or a stage of the task's own.
    """
    stages = _Stages(agreeing)
    made = {
        "inputs": lambda config: [*documents(config).inputs, *vector_files(config.data)],
        "prepare": functools.partial(prepare, documents),
        "build": build,
        "train": train,
        "evaluate": stages.evaluate,
        "export": export,
        "predict": predict,
        "metrics": lambda prepared: METRICS,
        "example_batch": lambda config, prepared: next(train_batches(config, prepared).epoch(0)),
        "predict_options": JudgingOptions,
        "generate": generate,
        "generate_options": GenerationOptions,
        "primary_metric": "test_perplexity",
        "higher_is_better": False,
        "overfit": Overfit(learning_rate=0.03, steps=150),
    }
    return Task(shape="language model", **{**made, **declared})


def prepare(documents: Callable[[Any], text.Documents], config: LanguageConfig, work_dir: Path) -> Prepared:
    """The text as token ids, with a vocabulary learned from its training part."""
    found = documents(config)

    def write(directory: Path) -> Mapping[str, int]:
        counts = text.prepare_stream(found, config.data, directory)
        tokens = text.load_stream_tokenizer(directory, config.data).vocabulary.tokens
        return {**counts, **prepare_vectors(config.data, "vectors", tokens, directory)}

    inputs = [*found.inputs, *vector_files(config.data)]
    return prepare_once(
        [documents, prepare], config.data, inputs, work_dir, write, source=found.name, test_data=[text.TEST_IDS]
    )


def build(config: LanguageConfig, prepared: Prepared) -> keras.Model:
    """Ids (batch, time) -> logits (batch, time, vocabulary)."""
    return models.LanguageModel(prepared.counts["vocabulary"], seed=config.seed, **config.model.model_dump())


def train_batches(config: LanguageConfig, prepared: Prepared) -> training.StreamBatches:
    """The training text, side by side."""
    stream = text.load_stream(prepared.directory, "train")
    return training.StreamBatches(stream.ids, stream.documents, config.training.streams, config.training.truncation)


def train(
    config: LanguageConfig, prepared: Prepared, work_dir: Path, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> Trained:
    """Truncated backpropagation; after each epoch the whole validation text is read."""
    import tensorflow as tf

    samples = config.training.sampled_softmax
    samples_fewer_than_all(samples, prepared.counts["vocabulary"], "the vocabulary has {}")
    val = text.load_stream(prepared.directory, "val")
    with training.training_scope(config.training, config.seed):
        model = build(config, prepared)
        start_from_vectors(model.embedding, prepared.directory, "vectors")

        def loss(model: keras.Model, batch: dict[str, tf.Tensor], is_training: bool) -> training.StepLoss:
            states = training.reset_states(batch["carried"], batch["resets"])
            hidden, after = model.hidden(batch["inputs"], states, training=is_training)
            if samples:
                seed = config.seed, batch["update"]
                total, weight, _ = training.sampled_cross_entropy(
                    hidden, model.output_kernel, model.possible_bias, batch["targets"], samples, seed
                )
            else:
                total, weight, _ = training.sequence_cross_entropy(model.logits(hidden), batch["targets"])
            return training.StepLoss(total, weight, after)

        read = training.stream_reader(model, config.evaluation.streams, config.evaluation.context)

        def validate(_: keras.Model) -> dict[str, float]:
            nats = float(np.mean(read(val.ids, val.documents).nats))
            return {"val_nats": nats, "val_perplexity": float(np.exp(nats))}

        zeros = model.first_states(config.training.streams)
        return training.fit(
            model,
            train_batches(config, prepared),
            loss,
            config=config.training,
            work_dir=work_dir,
            validate=validate,
            monitor="val_nats",
            higher_is_better=False,
            callbacks=callbacks,
            throughput=f"train_{config.data.level}s_per_second".replace("wordpiece", "word_piece"),
            carried=tf.nest.map_structure(np.asarray, zeros),
        )


@dataclass(frozen=True)
class _Stages:
    """The stages that depend on the task."""

    agreeing: Callable[[Any], Callable[[Sequence[str]], np.ndarray] | None]

    def evaluate(self, config: LanguageConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Report:
        """Read the whole test text once, beside n-gram models; show what the network writes and what its cells do."""
        model = _trained(config, prepared, trained)
        streams = {split: text.load_stream(prepared.directory, split) for split in ("train", "test")}
        read = training.stream_reader(model, config.evaluation.streams, config.evaluation.context)
        passages = Passages(model, _tokenizer(config, prepared), streams["train"], streams["test"])
        judged = read(streams["test"].ids, streams["test"].documents)
        return language_report(
            passages,
            judged,
            trained,
            out_dir,
            characters=prepared.counts["test_characters"],
            measuring=config.evaluation,
            agreeing=self.agreeing(config),
        )


def export(config: LanguageConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Exported:
    """The model, endpoints with the tokeniser inside, and the tokens' vectors."""
    import tensorflow as tf

    model, tokenizer = _trained(config, prepared, trained), _tokenizer(config, prepared)
    writer = exporting.TextWriter(model, tokenizer)
    test = text.load_stream(prepared.directory, "test")
    checked = tokenizer.decode(tf.constant(np.array(test.ids[:CHECKED])[None]))
    with files.whole_directory(out_dir) as aside:
        exporting.export_model(model, writer.endpoints(), aside, resources=[tokenizer])
        served = exporting.load_endpoints(aside)
        exporting.check_same_answers(
            {name: np.asarray(value) for name, value in writer.score(checked).items()},
            {name: np.asarray(value) for name, value in served.score(checked).items()},
        )
        vocabulary = tokenizer.vocabulary
        vectors = np.asarray(model.embedding.embeddings)
        written = exporting.write_word_vectors(aside, "tokens", vectors, vocabulary.tokens, vocabulary.counts)
    return Exported(
        directory=out_dir,
        keras_model=out_dir / exporting.KERAS_MODEL,
        saved_model=out_dir / exporting.SAVED_MODEL,
        checked=1,
        extras={name: out_dir / path.relative_to(aside) for name, path in written.items()},
    )


def predict(export_dir: Path, records: Iterable[str], options: JudgingOptions) -> Iterator[str]:
    """`log-probability<TAB>perplexity` of each line; or, with `length`, its continuation on one line."""
    served = exporting.load_endpoints(export_dir)
    for chunk in chunks(records, LINES):
        asked = [line for line in chunk if line.strip()]  # not stripped: spaces at either end belong to a text
        answers = iter(_continued(served, asked, options) if options.length else _scored(served, asked))
        yield from (next(answers) if line.strip() else "" for line in chunk)


def _scored(served: Any, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    found = served.score(np.array(lines, object))
    for likely, tokens in zip(found["log_probability"].numpy(), found["tokens"].numpy(), strict=True):
        yield f"{likely:.4f}\t{np.exp(-likely / tokens):.4f}"


def _continued(served: Any, lines: Sequence[str], options: JudgingOptions) -> Iterator[str]:
    for line in lines:  # one by one: a line's continuation must not depend on its neighbours
        drawing = _drawing(options)
        pieces = exporting.written_pieces(served, line, options.length, drawing, samples=1)
        yield "".join(piece for (piece,) in pieces).replace("\n", " ")


def generate(export_dir: Path, options: GenerationOptions) -> Iterator[str]:
    """Yield the prompt and its continuation while the network writes it; several samples one below the other."""
    served = exporting.load_endpoints(export_dir)
    pieces = exporting.written_pieces(served, options.prompt, options.length, _drawing(options), options.samples)
    if options.samples == 1:
        yield Piece(options.prompt)
        for (piece,) in pieces:
            yield Piece(piece)
        yield ""
        return
    texts = ["".join(parts) for parts in zip(*pieces, strict=True)]
    for number, written in enumerate(texts, 1):
        yield f"--- {number} ---"
        yield options.prompt + written


def _drawing(options: GenerationOptions | JudgingOptions) -> tuple[float, int, float, int]:
    return options.temperature, options.top_k, options.top_p, options.seed


def _tokenizer(config: LanguageConfig, prepared: Prepared) -> text.StreamTokenizer:
    return text.load_stream_tokenizer(prepared.directory, config.data)


def _trained(config: LanguageConfig, prepared: Prepared, trained: Trained) -> models.LanguageModel:
    return training.load_weights(build(config, prepared), trained.weights)
