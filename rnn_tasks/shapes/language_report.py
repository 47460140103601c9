"""The report of a task on running text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks import decoding, evaluation, plots, training
from rnn_tasks.shapes.language_config import StreamEvaluationConfig
from rnn_tasks.task import Metric, Report, Trained

if TYPE_CHECKING:
    from rnn_tasks.models import LanguageModel
    from rnn_tasks.text import StreamTokenizer, TokenStream

ORDER = 5  # of the n-gram model
PASSAGE = 400  # tokens of the test text that are drawn
CELLS = 5  # so many cells' activations are drawn
WRITTEN = 160  # tokens of each sample
PROMPT = 40  # tokens of the test text that a sample goes on from
TEMPERATURES = (0.5, 0.8, 1.0)
GO, UNK = 2, 1


@dataclass(frozen=True)
class Passages:
    """A trained model, its tokeniser and the texts that it is tested on."""

    model: LanguageModel
    tokenizer: StreamTokenizer
    train: TokenStream
    test: TokenStream


def language_report(
    passages: Passages,
    judged: training.ReadText,
    trained: Trained,
    out_dir: Path,
    *,
    characters: int,
    measuring: StreamEvaluationConfig,
    agreeing: Callable[[Sequence[str]], np.ndarray] | None,
) -> Report:
    """Metrics, tables and figures.

    Args:
        passages: model and texts.
        judged: how likely the model found each token of the test text.
        trained: its learning curves are drawn.
        out_dir: where tables and figures go.
        characters: of the test text, line ends included.
        measuring: its `baseline_tokens` and `dynamic_rate` are used.
        agreeing: as of `language_model`.
    """
    test = passages.test
    counted, likely, favourites = _n_grams(passages, measuring.baseline_tokens)
    ngram_right = favourites == test.ids
    bits = len(test) / characters / np.log(2)
    ours, theirs = float(np.mean(judged.nats)), float(np.mean(-likely))
    accuracies = float(np.mean(judged.right)), float(np.mean(ngram_right))
    metrics = [
        Metric(name="test_perplexity", value=np.exp(ours), higher_is_better=False, baseline=np.exp(theirs)),
        Metric(name="test_bits_per_character", value=ours * bits, higher_is_better=False, baseline=theirs * bits),
        Metric(name="test_nats", value=ours, higher_is_better=False, baseline=theirs),
        Metric(name="test_accuracy", value=accuracies[0], baseline=accuracies[1]),
        Metric(name="unigram_perplexity", value=_unigram_perplexity(passages), higher_is_better=False),
    ]
    if agreeing is not None:
        places = agreeing(passages.tokenizer.pieces(test.ids))
        metrics.append(
            Metric(
                name="test_agreement",
                value=float(np.mean(judged.right[places])),
                baseline=float(np.mean(ngram_right[places])),
            )
        )
    if measuring.dynamic_rate:
        nats = training.dynamic_nats(passages.model, test.ids, test.documents, measuring.dynamic_rate)
        metrics.append(Metric(name="dynamic_nats", value=nats, higher_is_better=False))
        metrics.append(Metric(name="dynamic_perplexity", value=float(np.exp(nats)), higher_is_better=False))
    by_position = _by_position(test.documents, judged.nats, -likely)
    passage = _read_slowly(passages)
    tables: dict[str, tuple[Sequence[str], Sequence[Sequence[Any]]]] = {
        "by_position": (("from", "to", "tokens", "nats", f"{ORDER}-gram nats"), by_position),
        "passage": (("token", "probability", f"{ORDER}-gram probability"), _passage_rows(passage, likely)),
    }
    middles = [np.sqrt(row[0] * row[1]) for row in by_position]
    losses = {"this network": [row[3] for row in by_position], f"{ORDER}-gram": [row[4] for row in by_position]}
    figures = {
        "learning_curves": plots.learning_curves(evaluation.read_history(trained.history)),
        "loss_by_position": plots.loss_by_position(middles, losses, "nats a token"),
        "probabilities": plots.coloured_text(
            passage.surfaces,
            {"this network": passage.probabilities, f"{ORDER}-gram": np.exp(likely[: len(passage.surfaces)])},
            (0, 1),
            "RdYlGn",
            "probability, before it was read",
        ),
        "activations": plots.coloured_text(passage.surfaces, passage.cells, (-1, 1), "coolwarm", "activation"),
    }
    header, rows = _samples(passages)
    return Report(
        metrics=tuple(metrics),
        samples=evaluation.write_table(out_dir / "samples.tsv", header, rows),
        tables={name: evaluation.write_table(out_dir / f"{name}.tsv", *table) for name, table in tables.items()},
        figures={name: plots.save_figure(figure, out_dir / f"{name}.png") for name, figure in figures.items()},
        notes={"baseline": f"{ORDER}-gram, interpolated modified Kneser-Ney, of {counted} training tokens"},
    )


def _n_grams(passages: Passages, tokens: int) -> tuple[int, np.ndarray, np.ndarray]:
    """The number of tokens counted; for each test token, its log probability and the likeliest token at its place."""
    train, test, vocabulary = passages.train, passages.test, len(passages.tokenizer.vocabulary)
    ids = np.array(train.ids[-tokens:])  # the last ones are nearest to the test text
    documents = np.unique(np.maximum(train.documents - (len(train) - len(ids)), 0))
    model = evaluation.KneserNey(ids, documents, vocabulary, possible=vocabulary - 2, order=ORDER)
    given = np.array(test.ids), test.documents
    return len(ids), model.log_probabilities(*given), model.favourites(*given)


def _unigram_perplexity(passages: Passages) -> float:
    """The perplexity of the training text's frequencies, with one added to each."""
    vocabulary = len(passages.tokenizer.vocabulary)
    counts = passages.train.counts(vocabulary) + 1.0
    counts[[0, GO]] = 0
    return float(np.exp(-np.mean(np.log((counts / counts.sum())[passages.test.ids]))))


def _by_position(documents: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> list[tuple[Any, ...]]:
    """Mean loss at the places 1, 2, 3 and 4, 5 to 8, … of a document."""
    tokens = np.arange(len(ours))
    place = tokens - documents[np.searchsorted(documents, tokens, "right") - 1] + 1
    octave = np.ceil(np.log2(place)).astype(int)
    rows = []
    for number in np.unique(octave):
        there = octave == number
        first, last = int(2 ** (number - 1)) + 1 if number else 1, int(2**number)
        rows.append((first, last, int(there.sum()), float(ours[there].mean()), float(theirs[there].mean())))
    return rows


@dataclass(frozen=True)
class _Passage:
    """The beginning of the test text: tokens as they are written, their probabilities, and what some cells did."""

    surfaces: list[str]
    probabilities: np.ndarray
    cells: Mapping[str, np.ndarray]


def _read_slowly(passages: Passages) -> _Passage:
    """Read step by step, to see the states in between; each document begins with states of zero, as everywhere."""
    import tensorflow as tf

    model, ids = passages.model, np.array(passages.test.ids[:PASSAGE])
    borders = [*passages.test.documents[passages.test.documents < len(ids)].tolist(), len(ids)]

    @tf.function(autograph=False)
    def step(last: tf.Tensor, states: Any) -> tuple[tf.Tensor, Any]:
        logits, after = model.step(last, states)
        return tf.nn.softmax(logits), after

    probabilities, seen = [], []
    for first, end in itertools.pairwise(borders):
        document = ids[first:end].tolist()
        states = tf.nest.map_structure(tf.convert_to_tensor, model.first_states(1))
        for token, following in zip([GO, *document], [*document, None], strict=True):
            likely, states = step(tf.constant([token]), states)
            if following is not None:
                probabilities.append(float(likely[0, following]))
            if token != GO:
                last = states[-1][-1].numpy()[0]  # an LSTM's cell state, or the only state of another cell
                seen.append(np.tanh(last) if len(states[-1]) > 1 else last)
    activations = np.array(seen)  # (tokens, units), behind each token
    chosen = _slow_units(activations)
    cells = {f"cell {unit} of the last layer": activations[:, unit] for unit in chosen}
    return _Passage(passages.tokenizer.pieces(ids), np.array(probabilities), cells)


def _slow_units(activations: np.ndarray) -> list[int]:
    """The units that move most and yet keep their values for some steps: a reader can see what they follow."""
    moved = activations - activations.mean(axis=0)
    kept = np.mean(moved[4:] * moved[:-4], axis=0) if len(moved) > 4 else np.mean(moved**2, axis=0)
    return np.argsort(-kept, kind="stable")[:CELLS].tolist()


def _passage_rows(passage: _Passage, likely: np.ndarray) -> list[tuple[str, float, float]]:
    shown = zip(passage.surfaces, passage.probabilities.tolist(), np.exp(likely).tolist(), strict=False)
    return [(repr(surface)[1:-1], ours, theirs) for surface, ours, theirs in shown]


def _samples(passages: Passages) -> tuple[list[str], list[list[Any]]]:
    """How the test text goes on, and how the network continues it."""
    import tensorflow as tf

    model, tokenizer, test = passages.model, passages.tokenizer, passages.test

    def step(ids: tf.Tensor, states: Any) -> tuple[tf.Tensor, Any]:
        logits, after = model.step(ids, states)
        return tf.where(tf.range(logits.shape[-1]) == UNK, -1e9, logits), after

    @tf.function(autograph=False)
    def write(prompt: tf.Tensor, temperature: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        _, states = model.hidden(tf.concat([[[GO]], prompt[:, :-1]], axis=1))
        return decoding.write_on(step, prompt[:, -1], states, WRITTEN, decoding.Sampling(temperature), seed=seed).ids

    def written(ids: Any) -> str:
        return tokenizer.decode(tf.constant(ids, tf.int32)).numpy()[0].decode().replace("\n", "↵")

    rows = []
    for start in _prompt_places(test):
        prompt = np.array(test.ids[start : start + PROMPT])[None]
        rest = np.array(test.ids[start + PROMPT : start + PROMPT + WRITTEN])[None]
        rows.append([written(prompt), "the text", written(rest)])
        for temperature in TEMPERATURES:
            found = write(tf.constant(prompt), tf.constant(temperature), tf.constant(start))
            rows.append([written(prompt), f"temperature {temperature}", written(found)])
    return ["begins", "goes on by", "goes on"], rows


def _prompt_places(test: TokenStream) -> list[int]:
    """Where some prompts begin, within their documents."""
    if len(test) <= PROMPT:
        return [0]
    wanted = np.linspace(0, len(test) - PROMPT - 1, 4).astype(int)
    starts = test.documents[np.searchsorted(test.documents, wanted, "right") - 1]
    return sorted({int(start) for start in (starts if len(test.documents) > 1 else wanted)})
