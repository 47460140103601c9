"""Does a string belong to a formal language (sequence to vector), and which symbol may come next (to sequence)?

By default it is the embedded Reber language, whose last-but-one symbol repeats the second, whatever stands between.
For membership, half of the strings are near misses. Many of them are wrong in that pair alone, so a network must
remember the second symbol to the end.

References:
    Hochreiter & Schmidhuber (1997), Long Short-Term Memory, experiment 1.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from rnn_tasks import dataset, evaluation, grammar, models, plots, shapes, synthetic, text, training
from rnn_tasks import export as exporting
from rnn_tasks.config import Section, TaskConfig, presets
from rnn_tasks.errors import UserError
from rnn_tasks.grammar.config import StringsConfig, StringsOptions
from rnn_tasks.line_stream import chunks
from rnn_tasks.preparation import prepare_once
from rnn_tasks.records import TextRecords
from rnn_tasks.shapes.config import RecurrentConfig, SequenceTrainingConfig
from rnn_tasks.task import Exported, Prepared, Trained

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    from matplotlib.figure import Figure

VOCABULARY, SYMBOLS = "vocabulary.tsv", "symbols.txt"


class ReberModelConfig(RecurrentConfig):
    """The reader of strings."""

    embedding_dim: int = Field(16, ge=1, le=1024, description="Length of a symbol's vector.")


class ReberConfig(TaskConfig):
    """Everything a run of this task depends on."""

    data: StringsConfig = StringsConfig()
    model: ReberModelConfig = ReberModelConfig(memory=30)
    training: SequenceTrainingConfig = SequenceTrainingConfig(
        epochs=10, learning_rate=0.01, decay="cosine", clip_norm=1.0, jit_compile=True
    )


PRESETS = presets(
    quick=ReberConfig(),
    full={
        "data.train_strings": 60_000,
        "data.val_strings": 4_000,
        "data.test_strings": 10_000,
        "model.units": 64,
        "training.learning_rate": 0.005,
    },
    tiny={
        "data.train_strings": 200,
        "data.val_strings": 40,
        "data.test_strings": 60,
        "model.units": 8,
        "model.embedding_dim": 4,
        "training.epochs": 2,
        "training.decay": "none",
        "training.jit_compile": False,
    },
)


def inputs(config: ReberConfig) -> Sequence[Path]:
    """The user's file, if there is one."""
    if config.data.source in grammar.LANGUAGES:
        return []
    path = Path(config.data.source)
    if not os.path.isfile(path):  # `Path.is_file` raises an error if a name is too long
        found = "no regular file, and it is read more than once" if os.path.exists(path) else "no such file"
        accepted = f"{', '.join(grammar.LANGUAGES)}, a grammar.toml, or a file of string<TAB>label lines"
        raise UserError(f"{path}: {found} (data.source is {accepted})")
    if config.data.is_grammar:
        config.data.language()
    return [path]


def prepare(config: ReberConfig, work_dir: Path) -> Prepared:
    """Strings in three splits that share no string, as character ids, with the target of each string."""
    data = config.data

    def write(directory: Path) -> Mapping[str, int]:
        splits, dropped = synthetic.string_splits(data)
        vocabulary = text.character_vocabulary(splits["train"].strings)
        vocabulary.save(directory / VOCABULARY)
        for name, split in splits.items():
            fields: dict[str, Any] = {"targets": np.array(split.labels, np.int32), "kinds": split.kinds}
            seen = split.strings
            if data.learn == "next_symbol":
                fields = {"targets": grammar.next_symbol_targets(split.strings, data.language())}
                seen = [string[:-1] for string in split.strings]
            ids = text.character_ids(seen, vocabulary)
            dataset.write_examples(directory / name, inputs=ids, records=seen, **fields)
        if data.learn == "next_symbol":
            (directory / SYMBOLS).write_text(data.language().symbols, encoding="utf-8")
        lengths = [len(string) for split in splits.values() for string in split.strings]
        return {
            **{name: len(split.strings) for name, split in splits.items()},
            **{f"{name}_members": sum(split.labels) for name, split in splits.items()},
            "repeated_lines_dropped": dropped,
            "shortest": min(lengths),
            "median_length": int(np.median(lengths)),
            "longest": max(lengths),
            "vocabulary": len(vocabulary),
        }

    return prepare_once([prepare], data, inputs(config), work_dir, write, source=data.source)


def symbols(prepared: Prepared) -> str:
    """The alphabet whose next symbol is learned; empty for membership."""
    path = prepared.directory / SYMBOLS
    return path.read_text(encoding="utf-8") if path.exists() else ""


def head(prepared: Prepared) -> shapes.NextSymbol | shapes.YesOrNo:
    """The probability of every symbol at every step, or of belonging to the language."""
    if alphabet := symbols(prepared):
        return shapes.NextSymbol(alphabet)
    return shapes.YesOrNo((text.NON_MEMBER, text.MEMBER))


def build(config: ReberConfig, prepared: Prepared) -> keras.Model:
    """Ids (batch, time) -> logits: (batch, 1) of belonging to the language, or (batch, time, symbols)."""
    network = models.sequence_to_sequence if symbols(prepared) else models.sequence_to_vector
    outputs, settings = head(prepared).outputs, config.model.model_dump()
    return network(prepared.counts["vocabulary"], outputs=outputs, seed=config.seed, **settings)


def train(
    config: ReberConfig, prepared: Prepared, work_dir: Path, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> Trained:
    """Train the next symbol until every step of every validation string is right; membership for all epochs."""
    stop = [training.StopAt("val_accuracy", 1.0)] if symbols(prepared) else []
    trained = STAGES.train(config, prepared, work_dir, [*callbacks, *stop])
    right = [row["epoch"] for row in evaluation.read_history(trained.history) if row["val_accuracy"] == 1.0]
    epochs = right[0] if right else trained.epochs
    success = {
        "success_rate": float(bool(right)),
        "epochs_until_success": float(epochs),
        "strings_until_success": float(epochs * prepared.counts["train"]),
    }
    return trained.model_copy(update={"metrics": {**trained.metrics, **success}})


def encoder(prepared: Prepared) -> text.CharacterEncoder:
    """Strings -> ids."""
    return text.CharacterEncoder(text.Vocabulary.load(prepared.directory / VOCABULARY))


def only_known_symbols(answers: dict[str, tf.Tensor], inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Answer 0 for a string with a symbol that no training string had: it cannot belong to their language."""
    import tensorflow as tf

    if "probability" not in answers:
        return answers
    strange = tf.reduce_any(inputs[dataset.INPUTS] == text.UNK, axis=1)  # (batch,)
    return {"probability": tf.where(strange, 0.0, answers["probability"])}


def details(config: ReberConfig, prepared: Prepared, judged: shapes.Judged) -> shapes.Details:
    """Accuracy by kind and by length, beside what a memory of one symbol gets."""
    train, test = judged.train, judged.test
    lengths = np.array([5 * (len(string) // 5) for string in test["records"]])
    data = config.data
    figures = {"gates": gates(test, judged.model)}
    if data.is_grammar:
        figures["grammar"] = plots.automaton_graph(data.language(), data.source)
    if symbols(prepared):
        return shapes.Details(groups={"length_from": lengths[judged.example].tolist()}, figures=figures)
    members = (train["inputs"][i].tolist() for i in np.flatnonzero(train["targets"]))
    bigrams = evaluation.bigrams_known(members, (ids.tolist() for ids in test["inputs"]))
    return shapes.Details(
        groups={"kind": test["kinds"], "length_from": lengths.tolist()},
        metrics_of="kind",
        baselines={"bigram": np.array(bigrams)},
        figures=figures,
    )


def gates(test: dataset.Examples, model: keras.Model) -> Figure:
    """The first layer's gates and states along a long string of the test split."""
    import keras

    lengths = np.array([len(string) for string in test["records"]])
    row = int(np.argmin(np.abs(lengths - 30)))  # long enough to see it remember, and short enough to read
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.RNN))
    vectors = model.get_layer("embedding")(test["inputs"][row][None])[0]
    return plots.gates_along(models.gate_activations(layer, vectors), test["records"][row], layer.name)


def export(config: ReberConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Exported:
    """The model; for the next symbol, its alphabet, too."""
    exported = STAGES.export(config, prepared, trained, out_dir)
    if alphabet := symbols(prepared):
        (out_dir / SYMBOLS).write_text(alphabet, encoding="utf-8")
    return exported


class PredictOptions(Section):
    """What `predict` lets its caller choose."""

    next: bool = Field(False, description="Of a model of the next symbol: how likely each is after the line.")


def predict(export_dir: Path, records: Iterable[str], options: PredictOptions) -> Iterator[str]:
    """Membership: `probability<TAB>-`. Next symbol: `probability<TAB>place`, or what `--next` asks for.

    The probability is that of the string's last symbol or, with a place, of the first symbol that is not possible at
    its place; places count from 1.
    """
    path = export_dir / SYMBOLS
    if not path.exists():
        if options.next:
            raise UserError("--next: this model was trained with data.learn=membership, accepted is next_symbol")
        yield from (f"{line}\t-" if line else "" for line in STAGES.predict(export_dir, records, options))
        return
    alphabet, served = path.read_text(encoding="utf-8"), exporting.load_endpoints(export_dir)
    for chunk in chunks(records, shapes.ROWS):
        strings = [record.strip() for record in chunk]
        likely = np.asarray(served.serve(np.array(strings, object))["probabilities"])  # (batch, time, symbols)
        for string, row in zip(strings, likely, strict=True):
            yield (
                shapes.continuation_line(string, row, alphabet)
                if options.next
                else shapes.judgement_line(string, row, alphabet)
            )


STAGES = shapes.sequence_task(
    name="reber",
    shape="sequence to vector",
    steps=lambda prepared: bool(symbols(prepared)),
    summary="Does a string belong to a formal language? Which symbol may come next?",
    config=ReberConfig,
    presets=PRESETS,
    primary_metric="test_accuracy",
    records=TextRecords(good=("BTBTXSETE", "BPBPVVEPE", "BTBTTVVETE")),
    inputs=inputs,
    prepare=prepare,
    build=build,
    head=head,
    encoder=encoder,
    restrict=only_known_symbols,
    details=details,
)
TASK = dataclasses.replace(
    STAGES,
    train=train,
    export=export,
    predict=predict,
    predict_options=PredictOptions,
    generate=lambda _, options: synthetic.labelled_lines(options),
    generate_options=StringsOptions,
    generate_needs_model=False,
)
