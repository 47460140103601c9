"""Which words are used alike? Vectors of words, learned from the words around them. word2vec.

A word predicts the words in a window around it (skip-gram), or they predict it (CBOW), against noise words drawn by
frequency. Words that stand in like contexts get like vectors.

References:
    Mikolov, Chen, Corrado & Dean 2013, "Efficient Estimation of Word Representations in Vector Space".
    Mikolov, Sutskever, Chen, Corrado & Dean 2013, "Distributed Representations of Words and Phrases and their
    Compositionality".
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from rnn_tasks import evaluation, files, models, synthetic, text, training
from rnn_tasks import export as exporting
from rnn_tasks.config import Section, presets
from rnn_tasks.errors import UserError
from rnn_tasks.evaluation.word_tests import read_analogies, read_classes, read_similarity
from rnn_tasks.preparation import prepare_once
from rnn_tasks.records import Line, LineRecords
from rnn_tasks.shapes import word_report
from rnn_tasks.shapes.embeddings_config import EmbeddingsConfig
from rnn_tasks.shapes.word_training import batches, gradient, measures, tables, vocabulary
from rnn_tasks.task import Exported, Metric, Overfit, Prepared, Report, Task, Trained

if TYPE_CHECKING:
    import keras

CHECKED = 1000
SPECIAL = len(text.SPECIAL_TOKENS)


PRESETS = presets(
    quick=EmbeddingsConfig(),
    full={"data.embedded_sentences": 200_000, "model.dim": 300, "training.epochs": 15},
    tiny={
        "data.embedded_sentences": 1_500,
        "data.min_count": 2,
        "model.dim": 8,
        "model.window": 3,
        "training.epochs": 2,
        "training.noise_words": 8,
        "training.positions": 128,
        "training.batch_words": 2_048,
        "training.decay": "none",
        "map.words": 30,
    },
)


def inputs(config: EmbeddingsConfig) -> Sequence[Path]:
    """The user's texts, and the files of questions about words."""
    data = config.data
    texts = [] if data.source == "embedded" else [file.path for file in text.text_files(data.source)]
    tests = question_files(config)
    for key, path in tests.items():
        if not path.is_file():
            raise UserError(f"data.{key}: {path} does not exist; accepted is a file")
    return [*texts, *tests.values()]


def question_files(config: EmbeddingsConfig) -> dict[str, Path]:
    """Setting -> the user's file of questions about words."""
    keys = ("classes", "similarity", "analogies")
    return {key: Path(os.path.expanduser(value)) for key in keys if (value := getattr(config.data, key))}


def prepare(config: EmbeddingsConfig, work_dir: Path) -> Prepared:
    """A text as ids in three splits, the vocabulary of the training split, and the questions for its vectors."""
    data = config.data

    def sentences() -> Iterator[list[str]]:
        if data.source == "embedded":
            return synthetic.class_sentences(data.embedded_sentences, data.seed)
        return text.file_sentences(text.text_files(data.source), data)

    def write(directory: Path) -> Mapping[str, int]:
        asked: dict[str, tuple[str, Callable[..., Sized]]] = {
            "classes": (word_report.CLASSES, read_classes),
            "similarity": (word_report.SIMILARITY, read_similarity),
            "analogies": (word_report.ANALOGIES, read_analogies),
        }
        found: dict[str, int] = {}
        if data.source == "embedded":
            found |= synthetic.write_class_tests(directory, word_report.CLASSES, word_report.ANALOGIES)
        for key, path in question_files(config).items():  # the user's files replace the embedded ones
            name, read = asked[key]
            found[name.removesuffix(".txt")] = len(read(path, text.WordForm.of(data).word))
            shutil.copyfile(path, directory / name)
        return {**text.prepare_words(sentences, data, directory), **found}

    return prepare_once([prepare], data, inputs(config), work_dir, write, source=data.source, test_data=("test*.txt",))


def build(config: EmbeddingsConfig, prepared: Prepared) -> keras.Model:
    """{"centres" (batch, time), "contexts" (batch, others)} ids -> scores (batch, time, others)."""
    return models.word_vectors(prepared.counts["vocabulary"], config.model.dim)


def train(
    config: EmbeddingsConfig, prepared: Prepared, work_dir: Path, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> Trained:
    """The best epoch on held-out text is kept."""
    with training.training_scope(config.training, config.seed):
        model = build(config, prepared)
        measured = measures(config, prepared, model)
        block_gradient = gradient(config, prepared)
        return training.fit(
            model,
            batches(config, prepared, "train"),
            training.RowUpdate(tables(model), block_gradient, config.training, shared=["noise"]),
            config=config.training,
            work_dir=work_dir,
            validate=lambda _: {f"val_{name}": measure("val") for name, measure in measured.items()},
            monitor=f"val_{config.training.monitor}",
            higher_is_better=config.training.monitor == "ranking",
            callbacks=callbacks,
            throughput="train_words_per_second",
            counted=lambda batch: float(batch["words"]),
        )


def evaluate(config: EmbeddingsConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Report:
    """The test text, and questions about words, beside PPMI and SVD on the same text and vocabulary."""
    model, counted = (build(config, prepared) for _ in range(2))
    training.load_weights(model, trained.weights)
    words = min(prepared.counts["vocabulary"], config.evaluation.baseline_words + SPECIAL)
    ids = text.load_ids(prepared.directory, "train")[: config.evaluation.baseline_text]
    counted.set_weights(
        evaluation.ppmi_vectors(
            ids, words, config.model.window, config.model.dim, config.seed, prepared.counts["vocabulary"]
        )
    )
    ours, theirs = (measures(config, prepared, one) for one in (model, counted))
    metrics = [
        Metric(name="test_ranking", value=ours["ranking"]("test"), baseline=theirs["ranking"]("test")),
        Metric(name="test_loss", value=ours["loss"]("test"), unit="nats", higher_is_better=False),
    ]
    vectors, baseline = (np.asarray(tables(one)[0]) for one in (model, counted))
    judged = word_report.JudgedVectors(vocabulary(prepared), vectors, baseline, text.WordForm.of(config.data))
    return word_report.words_report(judged, metrics, prepared.directory, trained, out_dir)


def export(config: EmbeddingsConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Exported:
    """The model, with endpoints from words to nearest words; the vectors as files, and a map of them."""
    model = training.load_weights(build(config, prepared), trained.weights)
    known, vectors = vocabulary(prepared), np.asarray(tables(model)[0])
    words, counts = known.tokens[SPECIAL:], known.counts[SPECIAL:]
    classes = word_report.classes_in(prepared.directory, text.WordForm.of(config.data))
    by_class = config.map.colours == "class" and bool(classes)
    groups = [classes.get(word, "other") for word in words] if by_class else word_report.frequency_bands(counts)
    with files.whole_directory(out_dir) as aside:
        lookup = exporting.WordLookup(known.tokens, tables(model)[0], SPECIAL, config.data.lowercase)
        exporting.export_model(model, lookup.endpoints(), aside, resources=[lookup])
        checked = np.array(words[:CHECKED], object)
        exporting.check_same_answers(
            {"vectors": vectors[SPECIAL : SPECIAL + len(checked)]},
            {"vectors": np.asarray(exporting.load_endpoints(aside).vector(checked))},
        )
        known.save(aside / text.WORDS)
        text.WordForm.of(config.data).save(aside)
        written = exporting.write_word_vectors(
            aside,
            "words",
            vectors[SPECIAL:],
            words,
            counts,
            config.map.words,
            config.seed,
            groups,
            "class" if by_class else "frequency",
        )
    return Exported(
        directory=out_dir,
        keras_model=out_dir / exporting.KERAS_MODEL,
        saved_model=out_dir / exporting.SAVED_MODEL,
        checked=len(checked),
        extras={name: out_dir / path.relative_to(aside) for name, path in written.items()},
    )


class PredictOptions(Section):
    """What `predict` lets its caller choose."""

    neighbours: int = Field(10, ge=1, le=1000, description="Nearest words of each line.")
    analogy: bool = Field(False, description="A line is `a b c`: what is to c as b is to a?")


def predict(export_dir: Path, records: Iterable[Line], options: PredictOptions) -> Iterator[str]:
    """`word cosine<TAB>word cosine …`, nearest first; for an unknown word, a line that says so, with similar words."""
    return exporting.near_words(export_dir, records, options.neighbours, options.analogy)


TASK = Task(
    name="embeddings",
    shape="words to vectors",
    summary="Which words are used alike? word2vec on any text, with maps to look at.",
    config=EmbeddingsConfig,
    presets=PRESETS,
    primary_metric="test_ranking",
    records=LineRecords(good=("horse", "apple", "monday")),
    inputs=inputs,
    prepare=prepare,
    build=build,
    train=train,
    evaluate=evaluate,
    export=export,
    predict=predict,
    predict_options=PredictOptions,
    metrics=lambda prepared: ["test_ranking", "test_loss"],
    example_batch=lambda config, prepared: next(batches(config, prepared, "train").blocks(1)),
    overfit=Overfit(learning_rate=0.3, steps=150, loss_ratio=0.7),  # a context may be noise, too: no loss of zero
)
