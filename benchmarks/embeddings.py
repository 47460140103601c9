"""Word vectors: words of raw text a second, and what they know, beside gensim on the same text.

    python benchmarks/embeddings.py [TEXT_OR_DIRECTORY] [--rounds 3] [--epochs 5] [--quality 3]
        [--similarity EN-WS-353-ALL.txt] [--analogies questions-words.txt] [--architecture cbow] [--processor-time]

Both get the same sentences of the same vocabulary, dimension 100, window 5, 5 negatives, subsampling 1e-3, and two
threads. Rounds are interleaved, an epoch each; words a second are medians over rounds, the first round, which compiles,
left out. `--quality` trains so many seeds of each for `--epochs` epochs; held-out text chooses no epoch here.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from gensim.models import Word2Vec

from rnn_tasks import text, training
from rnn_tasks.config import override
from rnn_tasks.evaluation import over_seeds
from rnn_tasks.evaluation.word_tests import analogies, read_analogies, read_similarity, similarity, together
from rnn_tasks.export.neighbours import unit_rows
from rnn_tasks.shapes.embeddings_config import EmbeddingsConfig
from rnn_tasks.shapes.word_training import batches, gradient, tables, vocabulary
from rnn_tasks.task import Prepared
from rnn_tasks.tasks import embeddings
from rnn_tasks.training.prefetch import prefetched
from rnn_tasks.training.schedule import learning_rate

SPECIAL = len(text.SPECIAL_TOKENS)
WORKERS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default="embedded", help="a text, or a directory of texts")
    parser.add_argument("--rounds", type=int, default=3, help="timed epochs of each")
    parser.add_argument("--epochs", type=int, default=5, help="epochs of each seed of --quality")
    parser.add_argument("--quality", type=int, default=0, help="seeds that are judged by --similarity and --analogies")
    parser.add_argument("--similarity", type=Path)
    parser.add_argument("--analogies", type=Path)
    parser.add_argument("--architecture", choices=("skip_gram", "cbow"), default="skip_gram")
    parser.add_argument("--processor-time", action="store_true", help="words a second of this process' own time")
    options = parser.parse_args()
    changes = {"data.source": options.source, "model.architecture": options.architecture}
    config = override(EmbeddingsConfig(), {**changes, "training.epochs": options.epochs})
    with tempfile.TemporaryDirectory() as directory:
        prepared = embeddings.prepare(config, Path(directory))
        print(f"{prepared.counts['train']:,} words, {prepared.counts['vocabulary'] - SPECIAL:,} different ones")
        if options.rounds:
            clock = time.process_time if options.processor_time else time.perf_counter
            speeds(config, prepared, options.rounds, clock)
        if options.quality:
            quality(config, prepared, options)


def speeds(config: EmbeddingsConfig, prepared: Prepared, rounds: int, clock: Callable[[], float]) -> None:
    """An epoch of each in turn."""
    ways = {"ours": Ours(config, prepared), "gensim": Gensim(config, prepared)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number, (name, way) in itertools.product(range(rounds + 1), ways.items()):
        before = clock()
        way.epochs(1)
        if number:
            seconds[name].append(clock() - before)
    found = {name: prepared.counts["train"] / statistics.median(values) for name, values in seconds.items()}
    for name, speed in found.items():
        print(f"{name:8}{speed:12,.0f} words/s")
    print(f"{'times':8}{found['ours'] / found['gensim']:12.2f}")


def quality(config: EmbeddingsConfig, prepared: Prepared, options: argparse.Namespace) -> None:
    """Seeds of each, by what they know; the same words, the same questions."""
    found: dict[tuple[str, str], list[float]] = {}
    for seed, way in itertools.product(range(1, options.quality + 1), (Ours, Gensim)):
        trained = way(config.model_copy(update={"seed": seed}), prepared)
        trained.epochs(options.epochs)
        for name, score in scores(trained.vectors(), prepared, options):
            found.setdefault((name, way.__name__.lower()), []).append(score)
    print(f"{options.epochs} epochs, {options.quality} seeds")
    for (name, way), values in sorted(found.items()):
        summary = over_seeds(values)
        each = " ".join(f"{value:.3f}" for value in values)
        print(f"{name:32}{way:8}{summary.mean:8.3f}   {summary.low:.3f} to {summary.high:.3f}   ({each})")


def scores(vectors: np.ndarray, prepared: Prepared, options: argparse.Namespace) -> Iterator[tuple[str, float]]:
    unit = unit_rows(vectors[SPECIAL:])
    rows = {word: row for row, word in enumerate(vocabulary(prepared).tokens[SPECIAL:])}
    if options.similarity:
        pairs = [
            p._replace(first=p.first.lower(), second=p.second.lower()) for p in read_similarity(options.similarity)
        ]
        found = similarity(unit, rows, pairs)
        yield f"similarity ({found.answered} of {found.asked})", found.score
    if options.analogies:
        asked = read_analogies(options.analogies)
        lower = {name: [tuple(word.lower() for word in one) for one in each] for name, each in asked.items()}
        found = together(list(analogies(unit, rows, lower).values()))
        yield f"analogies ({found.answered} of {found.asked})", found.score


class Ours:
    """The task's own batches and updates."""

    def __init__(self, config: EmbeddingsConfig, prepared: Prepared):
        self.config = config
        with training.training_scope(config.training, config.seed):
            self.model = embeddings.build(config, prepared)
            self.update = training.RowUpdate(
                tables(self.model), gradient(config, prepared), config.training, shared=["noise"]
            )
        self.batches, self.step, self.epoch = batches(config, prepared, "train"), 0, 0

    def epochs(self, count: int) -> None:
        total = self.config.training.epochs * len(self.batches)
        for _ in range(count):
            with prefetched(self.batches.epoch(self.epoch)) as coming:
                for batch in coming:
                    self.update.learning_rate = learning_rate(self.config.training, self.step, total)
                    float(self.update(batch)[0])
                    self.step += 1
            self.epoch += 1

    def vectors(self) -> np.ndarray:
        return np.asarray(tables(self.model)[0])


class Gensim:
    """Word2Vec with its own defaults of rates, given the same words."""

    def __init__(self, config: EmbeddingsConfig, prepared: Prepared):
        self.tokens = vocabulary(prepared).tokens
        ids = np.asarray(text.load_ids(prepared.directory, "train"))
        ends = np.flatnonzero(ids == 0)
        self.sentences = [[self.tokens[i] for i in part if i] for part in np.split(ids, ends)]
        self.model = Word2Vec(
            vector_size=config.model.dim,
            window=config.model.window,
            negative=config.training.negatives,
            sample=config.training.subsampling,
            sg=int(config.model.architecture == "skip_gram"),
            min_count=1,
            workers=WORKERS,
            seed=config.seed,
        )
        self.model.build_vocab(self.sentences)

    def epochs(self, count: int) -> None:
        self.model.train(self.sentences, total_examples=len(self.sentences), epochs=count)

    def vectors(self) -> np.ndarray:
        found = np.zeros((len(self.tokens), self.model.vector_size), np.float32)
        found[SPECIAL:] = [self.model.wv[token] for token in self.tokens[SPECIAL:]]
        return found


if __name__ == "__main__":
    main()
