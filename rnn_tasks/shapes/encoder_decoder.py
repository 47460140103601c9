"""Tasks that write one string for another: an encoder reads the source, a decoder writes the target.

A task says which pairs of strings there are and how hypotheses are scored; vocabularies, training with teacher forcing,
search, report, export with the tokenisers inside, and prediction follow.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks import evaluation, files, models, text, training, user_files
from rnn_tasks import export as exporting
from rnn_tasks.preparation import prepare_once
from rnn_tasks.shapes.config import DecodingOptions, EncoderDecoderConfig, samples_fewer_than_all
from rnn_tasks.shapes.starting_vectors import prepare_vectors, start_from_vectors, vector_files
from rnn_tasks.task import Exported, Overfit, Prepared, Report, Task, Trained

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

MAPPED = 100  # source tokens; alignments of longer sources are not kept: nobody could read them
CHECKED = 64  # for so many sources the export must write the same as the model

Config = Any
Scorers = Mapping[str, evaluation.Scorer]


def encoder_decoder(
    *,
    corpus: Callable[[Config], text.ParallelCorpus],
    scorers: Callable[[Config], Scorers],
    baseline: Callable[[Config, Prepared, str], Sequence[str]],
    **declared: Any,
) -> Task:
    """A task whose examples are pairs of strings.

    Args:
        corpus: config -> its pairs by split.
        scorers: config -> what compares hypotheses with references, by name; the first one chooses the best epoch.
        baseline: (config, prepared, name of a test set) -> what a trivial method writes for its sources.
        declared: the rest of `Task`, or a stage of the task's own.
    """
    stages = _Stages(scorers, baseline)
    made: dict[str, Any] = {
        "inputs": lambda config: corpus(config).inputs,
        "prepare": functools.partial(prepare, corpus),
        "build": build,
        "train": stages.train,
        "evaluate": stages.evaluate,
        "export": stages.export,
        "predict": predict,
        "metrics": lambda prepared: ["test_perplexity", declared["primary_metric"]],
        "example_batch": lambda config, prepared: next(batches(config, prepared, "train").epoch(0)),
        "predict_options": DecodingOptions,
        "overfit": Overfit(steps=180),
    }
    made |= declared
    of_corpus = made["inputs"]
    made["inputs"] = lambda config: [*of_corpus(config), *vector_files(config.data)]
    return Task(shape="encoder-decoder", **made)


def prepare(corpus: Callable[[Config], text.ParallelCorpus], config: EncoderDecoderConfig, work_dir: Path) -> Prepared:
    """Pairs as token ids, vocabularies learned from the training side."""
    pairs = corpus(config)

    def write(directory: Path) -> Mapping[str, int]:
        counts = text.prepare_pairs(pairs, config.data, directory)
        source, target = (side.vocabulary.tokens for side in text.load_tokenizers(directory, config.data))
        return {
            **counts,
            **prepare_vectors(config.data, "vectors", source, directory),
            **prepare_vectors(config.data, "target_vectors", target, directory),
        }

    inputs = [*pairs.inputs, *vector_files(config.data)]
    return prepare_once([corpus, prepare], config.data, inputs, work_dir, write, source=pairs.name)


def build(config: EncoderDecoderConfig, prepared: Prepared) -> keras.Model:
    """{"source", "target_in"} ids (batch, time) -> logits (batch, target time, target vocabulary)."""
    vocabularies = prepared.counts["source_vocabulary"], prepared.counts["target_vocabulary"]
    return models.EncoderDecoder(*vocabularies, **config.model.model_dump())


@dataclass(frozen=True)
class _Stages:
    """The stages of one task."""

    scorers: Callable[[Config], Scorers]
    baseline: Callable[[Config, Prepared, str], Sequence[str]]

    def train(
        self,
        config: EncoderDecoderConfig,
        prepared: Prepared,
        work_dir: Path,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> Trained:
        """Teacher forcing; after each epoch the validation loss, and the first score of greedy hypotheses."""
        words, samples = prepared.counts["target_vocabulary"], config.training.sampled_softmax
        samples_fewer_than_all(samples, words, "the target vocabulary has {}")
        sources, references = (side[: config.training.val_sentences] for side in sentences(prepared, "val"))
        name, scorer = next(iter(self.scorers(config).items()))
        with training.training_scope(config.training, config.seed):
            model = build(config, prepared)
            start_from_vectors(model.source_embedding, prepared.directory, "vectors")
            start_from_vectors(model.target_embedding, prepared.directory, "target_vectors")
            measure = training.evaluator(model, measured_loss)
            write = translator(config, prepared, model).compiled()

            def validate(_: keras.Model) -> dict[str, float]:
                found = [best.text for best, *_ in exporting.translate_lines(write, sources, 1, 0.0)]
                loss = measure(batches(config, prepared, "val").ordered())
                return {"val_loss": loss, f"val_{name}": scorer.score(found, references).value}

            by_score = config.training.monitor == "score"
            return training.fit(
                model,
                batches(config, prepared, "train"),
                loss_on(config),
                config=config.training,
                work_dir=work_dir,
                validate=validate,
                monitor=f"val_{name}" if by_score else "val_loss",
                higher_is_better=by_score and scorer.higher_is_better,
                callbacks=callbacks,
                throughput="train_target_tokens_per_second",
            )

    def evaluate(self, config: EncoderDecoderConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Report:
        """Scores and perplexity of every test set, beside a trivial method."""
        model = training.load_weights(build(config, prepared), trained.weights)
        write = translator(config, prepared, model).compiled()
        measure = training.evaluator(model, measured_loss)

        def judged(name: str) -> evaluation.JudgedPairs:
            sources, references = sentences(prepared, name)
            started = time.monotonic()
            found = exporting.translate_lines(write, sources, *_search(config))
            hypotheses = [best if len(best.source_tokens) <= MAPPED else best.unmapped() for best, *_ in found]
            seconds = time.monotonic() - started
            loss = measure(batches(config, prepared, name).ordered())
            trivial = self.baseline(config, prepared, name)
            return evaluation.JudgedPairs(name, sources, references, hypotheses, trivial, loss, seconds)

        return evaluation.pairs_report(
            [judged(name) for name in test_sets(prepared)], self.scorers(config), trained, out_dir
        )

    def export(self, config: EncoderDecoderConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Exported:
        """The model, string endpoints with tokenisers inside, and both sides' vectors."""
        model = training.load_weights(build(config, prepared), trained.weights)
        ours = translator(config, prepared, model)
        sources, _ = sentences(prepared, test_sets(prepared)[0])
        checked = sources[:CHECKED]
        with files.whole_directory(out_dir) as aside:
            exporting.export_model(model, ours.endpoints(*_search(config)), aside, resources=[ours.source, ours.target])
            answers = [
                [best.text for best, *_ in exporting.translate_lines(write, checked, *_search(config))]
                for write in (ours.compiled(), exporting.load_translator(aside))
            ]
            if answers[0] != answers[1]:
                raise RuntimeError("the export writes otherwise than the model it came from")
            exporting.save_search_settings(aside, exporting.SearchSettings(*_search(config)))
            extras: dict[str, Path] = {}
            for side, embedding, tokenizer in (
                ("source", model.source_embedding, ours.source),
                ("target", model.target_embedding, ours.target),
            ):
                vectors, words = np.asarray(embedding.embeddings), tokenizer.vocabulary
                shown = config.word_vectors.tsne_words
                written = exporting.write_word_vectors(aside, side, vectors, words.tokens, words.counts, shown)
                extras |= {name: out_dir / path.relative_to(aside) for name, path in written.items()}
        return Exported(
            directory=out_dir,
            keras_model=out_dir / exporting.KERAS_MODEL,
            saved_model=out_dir / exporting.SAVED_MODEL,
            checked=len(checked),
            extras=extras,
        )


def predict(export_dir: Path, records: Iterable[str], options: DecodingOptions) -> Iterator[str]:
    """What the model writes for each record; an empty line for an empty one."""
    write, tested = exporting.load_translator(export_dir), exporting.load_search_settings(export_dir)
    width = options.beam or max(tested.beam_width, options.n_best)
    alpha = tested.length_penalty if options.length_penalty is None else options.length_penalty
    with contextlib.ExitStack() as stack:
        path = options.alignments
        align = stack.enter_context(user_files.writing(path, f"--alignments {path}")) if path else None
        for number, hypotheses in enumerate(exporting.translate_lines(write, records, width, alpha)):
            best = hypotheses[0]
            if align:
                looks = np.argmax(best.alignment, axis=1) if best.alignment.size else []
                links = " ".join(f"{source}-{target}" for target, source in enumerate(looks))
                align(f"{' '.join(best.source_tokens)}\t{' '.join(best.target_tokens)}\t{links}")
            if options.n_best == 1:
                yield best.text
            else:
                yield from (f"{number} ||| {h.text} ||| {h.score:.4f}" for h in hypotheses[: options.n_best])


def measured_loss(model: keras.Model, batch: dict[str, tf.Tensor], _: bool) -> training.StepLoss:
    """The loss over all words, without smoothing."""
    return training.teacher_forced_loss(model, batch)


def loss_on(config: EncoderDecoderConfig) -> training.Loss:
    """The loss that is trained: sampled or smoothed, as the config says."""

    def loss(model: keras.Model, batch: dict[str, tf.Tensor], is_training: bool) -> training.StepLoss:
        targets = batch["target_out"]
        hidden = model.hidden(batch, training=is_training)  # (batch, target time, output width)
        if config.training.sampled_softmax:
            seed = config.seed, batch["update"]
            return training.sampled_cross_entropy(
                hidden, model.output_kernel, model.output_bias, targets, config.training.sampled_softmax, seed
            )
        return training.sequence_cross_entropy(model.logits(hidden), targets, config.training.label_smoothing)

    return loss


def sentences(prepared: Prepared, split: str) -> tuple[list[str], list[str]]:
    """Sources and references of a split other than training, as the user's files have them."""
    return text.load_sentences(prepared.directory, split, "source"), text.load_sentences(
        prepared.directory, split, "target"
    )


def test_sets(prepared: Prepared) -> list[str]:
    """The names of the test sets."""
    splits = (name.removesuffix("_pairs") for name in prepared.counts if name.endswith("_pairs"))
    return sorted(split for split in splits if split not in ("train", "val"))


def batches(config: EncoderDecoderConfig, prepared: Prepared, split: str) -> text.PairBatches:
    """The batches of a split."""
    return text.PairBatches(
        *text.load_pairs(prepared.directory, split),
        tokens_per_batch=config.training.tokens_per_batch,
        seed=config.seed,
        reverse_source=config.data.reverse_source,
        max_shapes=config.training.batch_shapes,
    )


def translator(config: EncoderDecoderConfig, prepared: Prepared, model: keras.Model) -> exporting.Translator:
    """The model with its tokenisers."""
    return exporting.Translator(
        model,
        *text.load_tokenizers(prepared.directory, config.data),
        reverse_source=config.data.reverse_source,
        has_attention=config.model.attention != "none",
        max_length=config.decoding.max_length,
    )


def _search(config: EncoderDecoderConfig) -> tuple[int, float]:
    return config.decoding.beam_width, config.decoding.length_penalty
