"""From one language to another. Encoder-decoder.

An encoder reads the source sentence, from its last word to its first or both ways; a decoder, started with the
encoder's last states, writes the target word by word between `<go>` and `<eos>`, looking back at the source through
attention.

References:
    Sutskever, Vinyals & Le 2014, "Sequence to Sequence Learning with Neural Networks".
    Luong, Pham & Manning 2015, "Effective Approaches to Attention-based Neural Machine Translation".
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from rnn_tasks import evaluation, files, models, text, training, user_files
from rnn_tasks import export as exporting
from rnn_tasks.config import Section, TaskConfig, TrainingConfig
from rnn_tasks.errors import UserError
from rnn_tasks.evaluation.config import TranslationScoringConfig
from rnn_tasks.task import Exported, Prepared, Report, Task, Trained
from rnn_tasks.text.config import ParallelDataConfig

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

CODE = ("text", "synthetic/english_french")  # what decides the content of a preparation
CHECKED = 64  # sentences that the export must translate as the model does


class TranslateModelConfig(Section):
    """The encoder-decoder."""

    cell: Literal["lstm", "gru", "simple_rnn"] = Field("lstm", description="Recurrent cell of encoder and decoder.")
    units: int = Field(256, ge=2, le=8192, multiple_of=2, description="Units of each layer.")
    layers: int = Field(1, ge=1, le=16, description="Layers of the encoder, and of the decoder.")
    embedding_dim: int = Field(128, ge=1, le=8192, description="Length of a word's vector.")
    bidirectional: bool = Field(True, description="The encoder reads both ways, half of its units each.")
    attention: Literal["none", "luong", "bahdanau"] = Field("bahdanau", description="How the decoder looks back.")
    input_feeding: bool = Field(False, description="The decoder is told where it looked last; slower, needs attention.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of activations dropped between layers in training.")
    tied: bool = Field(True, description="The output projection is the target's word vectors.")

    @model_validator(mode="after")
    def _feeds_attention(self):
        if self.input_feeding and self.attention == "none":
            raise ValueError("input_feeding feeds attention back: attention must be luong or bahdanau, found none")
        return self


class TranslateTrainingConfig(TrainingConfig):
    """How it is trained."""

    tokens_per_batch: int = Field(768, ge=16, le=1_000_000, description="Source or target tokens an update at most.")
    batch_shapes: int = Field(8, ge=1, le=64, description="Shapes of batches at most; each is compiled once.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Probability spread over all words.")
    sampled_softmax: int = Field(
        0, ge=0, le=1_000_000, description="Words the loss compares with instead of all, in training; 0 is all."
    )
    monitor: Literal["val_bleu", "val_loss"] = Field("val_bleu", description="Which epoch is best.")
    val_sentences: int = Field(500, ge=1, description="Validation sentences translated each epoch, greedily.")

    @model_validator(mode="after")
    def _smooths_over_all(self):
        if self.sampled_softmax and self.label_smoothing:
            raise ValueError(
                f"label_smoothing={self.label_smoothing} spreads over all words, which sampled_softmax="
                f"{self.sampled_softmax} does not compute: one of them must be 0"
            )
        return self


class TranslateDecodingConfig(Section):
    """How the trained model searches for a translation."""

    beam_width: int = Field(4, ge=1, le=100, description="Hypotheses kept; 1 is greedy.")
    length_penalty: float = Field(1.0, ge=0, le=5, description="Alpha of Wu et al. 2016; 0 favours short ones.")
    max_length: int = Field(256, ge=2, le=10_000, description="Target tokens at most.")


class TranslateConfig(TaskConfig):
    """Everything a run of this task depends on."""

    data: ParallelDataConfig = ParallelDataConfig()
    model: TranslateModelConfig = TranslateModelConfig()
    training: TranslateTrainingConfig = TranslateTrainingConfig(
        epochs=3, learning_rate=4e-3, warmup_steps=100, decay="cosine", clip_norm=1.0
    )
    decoding: TranslateDecodingConfig = TranslateDecodingConfig()
    evaluation: TranslationScoringConfig = TranslationScoringConfig()

    @model_validator(mode="after")
    def _samples_fewer_than_all(self):
        samples, size = self.training.sampled_softmax, self.data.vocabulary_size
        if samples >= size:
            raise ValueError(
                f"training.sampled_softmax: found {samples}; data.vocabulary_size is {size}, accepted is less"
            )
        return self


class TranslateOptions(Section):
    """What `predict` lets its caller choose."""

    beam: int | None = Field(None, ge=1, le=100, description="Beam width, 1 is greedy; as it was tested by default.")
    n_best: int = Field(1, ge=1, le=100, description="Translations a line, as `line ||| translation ||| score`.")
    length_penalty: float | None = Field(
        None, ge=0, le=5, description="0 favours short translations; as it was tested by default."
    )
    alignments: Path | None = Field(
        None, description="Write to this file, a line each: source tokens<TAB>target tokens<TAB>0-0 1-2 …"
    )

    @model_validator(mode="after")
    def _fit(self):
        if self.beam and self.n_best > self.beam:
            raise ValueError(f"n_best: {self.n_best} translations do not come out of a beam of {self.beam}")
        if self.alignments and os.path.isdir(self.alignments):
            raise ValueError(f"alignments: {self.alignments} is a directory; a file is wanted")
        return self


PRESETS = {
    "quick": TranslateConfig(),
    "full": TranslateConfig(
        data=ParallelDataConfig(
            embedded_pairs=250_000, level="wordpiece", vocabulary_size=6000, max_tokens=80, reverse_source=False
        ),
        model=TranslateModelConfig(units=384, layers=2, embedding_dim=256, dropout=0.3),
        training=TranslateTrainingConfig(
            epochs=16,
            tokens_per_batch=1536,
            learning_rate=2e-3,
            warmup_steps=400,
            decay="cosine",
            clip_norm=1.0,
            label_smoothing=0.1,
            early_stopping_patience=5,
        ),
        decoding=TranslateDecodingConfig(beam_width=6),
    ),
    "tiny": TranslateConfig(
        competes=False,
        data=ParallelDataConfig(embedded_pairs=200),
        model=TranslateModelConfig(units=16, embedding_dim=8, dropout=0.0),
        training=TranslateTrainingConfig(
            epochs=8, learning_rate=0.02, tokens_per_batch=512, batch_shapes=2, val_sentences=20
        ),
        decoding=TranslateDecodingConfig(beam_width=2),
    ),
}


def inputs(config: TranslateConfig) -> Sequence[Path]:
    """The user's files; none for embedded and downloaded corpora."""
    evaluation.require_bleu_tokenizer(config.evaluation.bleu_tokenizer, config.data.target_language)
    return text.corpus_inputs(config.data)


def prepare(config: TranslateConfig, work_dir: Path) -> Prepared:
    """Sentence pairs as token ids, vocabularies learned from the training side."""
    section = config.data.model_dump()
    evaluation.require_bleu_tokenizer(config.evaluation.bleu_tokenizer, config.data.target_language)
    corpus = text.open_corpus(config.data, seed=config.data.seed)
    digest = files.prepared_digest(section, corpus.inputs, CODE)
    return files.prepare_once(work_dir, digest, corpus.name, functools.partial(text.prepare_pairs, corpus, config.data))


def build(config: TranslateConfig, prepared: Prepared) -> keras.Model:
    """{"source", "target_in"} ids (batch, time) -> logits (batch, target time, target vocabulary)."""
    vocabularies = prepared.counts["source_vocabulary"], prepared.counts["target_vocabulary"]
    return models.EncoderDecoder(*vocabularies, **config.model.model_dump())


def train(
    config: TranslateConfig, prepared: Prepared, work_dir: Path, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> Trained:
    """Teacher forcing; after each epoch the validation loss, and BLEU of greedy translations."""
    words, samples = prepared.counts["target_vocabulary"], config.training.sampled_softmax
    if samples >= words:
        raise UserError(
            f"training.sampled_softmax: found {samples}; the target vocabulary has {words}, accepted is less"
        )
    sources, references = _sentences(prepared, "val")
    shown = slice(config.training.val_sentences)

    with training.training_scope(config.training, config.seed):
        model = build(config, prepared)
        score = training.evaluator(model, _loss_on(config, as_trained=False))
        translate = _translator(config, prepared, model).compiled()

        def validate(_: keras.Model) -> dict[str, float]:
            found = exporting.translate_lines(translate, sources[shown], 1, 0.0)
            bleu = evaluation.bleu(
                [best.text for best, *_ in found], references[shown], tokenizer=_bleu_tokenizer(config)
            )
            return {"val_loss": score(_batches(config, prepared, "val").ordered()), "val_bleu": bleu.value}

        return training.fit(
            model,
            _batches(config, prepared, "train"),
            _loss_on(config, as_trained=True),
            config=config.training,
            work_dir=work_dir,
            validate=validate,
            monitor=config.training.monitor,
            higher_is_better=config.training.monitor == "val_bleu",
            callbacks=callbacks,
            throughput="train_target_tokens_per_second",
        )


def _loss_on(config: TranslateConfig, as_trained: bool) -> training.Loss:
    """The loss of a batch: as trained (sampled, smoothed), or as it is (all words, nothing smoothed)."""
    samples = config.training.sampled_softmax

    def loss(model: keras.Model, batch: dict[str, tf.Tensor], is_training: bool) -> training.StepLoss:
        targets = batch["target_out"]
        hidden = model.hidden(batch, training=is_training)  # (batch, target time, output width)
        if as_trained and samples:
            seed = config.seed, batch["update"]
            return training.sampled_cross_entropy(
                hidden, model.output_kernel, model.output_bias, targets, samples, seed
            )
        smoothing = config.training.label_smoothing if as_trained else 0.0
        return training.sequence_cross_entropy(model.logits(hidden), targets, smoothing)

    return loss


def evaluate(config: TranslateConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Report:
    """BLEU, chrF and perplexity of every test set, beside a word-for-word dictionary."""
    model = training.load_weights(build(config, prepared), trained.weights)
    translate = _translator(config, prepared, model).compiled()
    score = training.evaluator(model, _loss_on(config, as_trained=False))

    def judged(name: str) -> evaluation.TranslatedSet:
        sources, references = _sentences(prepared, name)
        started = time.monotonic()
        found = exporting.translate_lines(
            translate, sources, config.decoding.beam_width, config.decoding.length_penalty
        )
        hypotheses = [best for best, *_ in found]
        seconds = time.monotonic() - started
        loss = score(_batches(config, prepared, name).ordered())
        baseline = _word_for_word(config, prepared, name)
        return evaluation.TranslatedSet(name, sources, references, hypotheses, baseline, loss, seconds)

    sets = [judged(name) for name in _test_sets(prepared)]
    return evaluation.translation_report(sets, trained, out_dir, _bleu_tokenizer(config), config.data.lowercase)


def _word_for_word(config: TranslateConfig, prepared: Prepared, test_set: str) -> list[str]:
    """The baseline: every source token replaced by its likeliest partner in the training pairs."""
    source, target = text.load_tokenizers(prepared.directory, config.data)
    pairs = zip(*text.load_pairs(prepared.directory, "train"), strict=True)
    dictionary = evaluation.learn_dictionary(pairs, len(source.vocabulary), len(target.vocabulary))
    sentences, _ = text.load_pairs(prepared.directory, test_set)
    return [target.detokenize(evaluation.translate_ids(ids, dictionary)[None]).numpy()[0].decode() for ids in sentences]


def export(config: TranslateConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Exported:
    """The model, string endpoints with tokenisers inside, and both sides' word vectors."""
    model = training.load_weights(build(config, prepared), trained.weights)
    translator = _translator(config, prepared, model)
    width, alpha = config.decoding.beam_width, config.decoding.length_penalty
    sources, _ = _sentences(prepared, _test_sets(prepared)[0])
    checked = sources[:CHECKED]
    with files.whole_directory(out_dir) as aside:
        exporting.export_model(
            model, translator.endpoints(width, alpha), aside, resources=[translator.source, translator.target]
        )
        answers = [
            [best.text for best, *_ in exporting.translate_lines(translate, checked, width, alpha)]
            for translate in (translator.compiled(), exporting.load_translator(aside))
        ]
        if answers[0] != answers[1]:
            raise RuntimeError("the export translates otherwise than the model it came from")
        exporting.save_search_settings(aside, exporting.SearchSettings(width, alpha))
        extras: dict[str, Path] = {}
        for side, embedding, tokenizer in (
            ("source", model.source_embedding, translator.source),
            ("target", model.target_embedding, translator.target),
        ):
            vectors, vocabulary = np.asarray(embedding.embeddings), tokenizer.vocabulary
            written = exporting.write_word_vectors(aside, side, vectors, vocabulary.tokens, vocabulary.counts)
            extras |= {name: out_dir / path.relative_to(aside) for name, path in written.items()}
    return Exported(
        directory=out_dir,
        keras_model=out_dir / exporting.KERAS_MODEL,
        saved_model=out_dir / exporting.SAVED_MODEL,
        example=tuple(sources[:3]),
        checked=len(checked),
        extras=extras,
    )


def predict(export_dir: Path, lines: Iterable[str], options: TranslateOptions) -> Iterator[str]:
    """The translation of each line; an empty line for an empty line."""
    translate, tested = exporting.load_translator(export_dir), exporting.load_search_settings(export_dir)
    width = options.beam or max(tested.beam_width, options.n_best)
    alpha = tested.length_penalty if options.length_penalty is None else options.length_penalty
    with contextlib.ExitStack() as stack:
        path = options.alignments
        align = stack.enter_context(user_files.writing(path, f"--alignments {path}")) if path else None
        for number, hypotheses in enumerate(exporting.translate_lines(translate, lines, width, alpha)):
            best = hypotheses[0]
            if align:
                looks = np.argmax(best.alignment, axis=1) if best.alignment.size else []
                links = " ".join(f"{source}-{target}" for target, source in enumerate(looks))
                align(f"{' '.join(best.source_tokens)}\t{' '.join(best.target_tokens)}\t{links}")
            if options.n_best == 1:
                yield best.text
            else:
                yield from (f"{number} ||| {h.text} ||| {h.score:.4f}" for h in hypotheses[: options.n_best])


def _sentences(prepared: Prepared, split: str) -> tuple[list[str], list[str]]:
    """Sources and references, as the user's files have them."""
    directory = prepared.directory
    return text.load_sentences(directory, split, "source"), text.load_sentences(directory, split, "target")


def _bleu_tokenizer(config: TranslateConfig) -> str:
    return evaluation.bleu_tokenizer(config.evaluation.bleu_tokenizer, config.data.target_language)


def _test_sets(prepared: Prepared) -> list[str]:
    splits = (name.removesuffix("_pairs") for name in prepared.counts if name.endswith("_pairs"))
    return sorted(split for split in splits if split not in ("train", "val"))


def _batches(config: TranslateConfig, prepared: Prepared, split: str) -> text.PairBatches:
    return text.PairBatches(
        *text.load_pairs(prepared.directory, split),
        tokens_per_batch=config.training.tokens_per_batch,
        seed=config.seed,
        reverse_source=config.data.reverse_source,
        max_shapes=config.training.batch_shapes,
    )


def _translator(config: TranslateConfig, prepared: Prepared, model: keras.Model) -> exporting.Translator:
    return exporting.Translator(
        model,
        *text.load_tokenizers(prepared.directory, config.data),
        reverse_source=config.data.reverse_source,
        has_attention=config.model.attention != "none",
        max_length=config.decoding.max_length,
    )


TASK = Task(
    name="translate",
    shape="encoder-decoder",
    summary="English to French, or any language pair.",
    config=TranslateConfig,
    presets=PRESETS,
    primary_metric="test_bleu",
    inputs=inputs,
    prepare=prepare,
    build=build,
    train=train,
    evaluate=evaluate,
    export=export,
    predict=predict,
    predict_options=TranslateOptions,
)
