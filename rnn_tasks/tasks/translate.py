"""From one language to another. Encoder-decoder.

An encoder reads the source sentence, from its last word to its first or both ways; a decoder, started with the
encoder's last states, writes the target word by word between `<go>` and `<eos>`, looking back at the source through
attention.

References:
    Sutskever, Vinyals & Le 2014, "Sequence to Sequence Learning with Neural Networks".
    Luong, Pham & Manning 2015, "Effective Approaches to Attention-based Neural Machine Translation".
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from rnn_tasks import evaluation, shapes, text
from rnn_tasks.config import presets
from rnn_tasks.evaluation.config import TranslationScoringConfig
from rnn_tasks.records import TextRecords
from rnn_tasks.shapes.config import EncoderDecoderConfig, EncoderDecoderTrainingConfig
from rnn_tasks.task import Prepared
from rnn_tasks.text.config import ParallelDataConfig


class TranslateConfig(EncoderDecoderConfig):
    """Everything a run of this task depends on."""

    data: ParallelDataConfig = ParallelDataConfig()
    training: EncoderDecoderTrainingConfig = EncoderDecoderTrainingConfig(
        epochs=3, learning_rate=4e-3, warmup_steps=100, decay="cosine", clip_norm=1.0
    )
    evaluation: TranslationScoringConfig = TranslationScoringConfig()


PRESETS = presets(
    quick=TranslateConfig(),
    full={
        "data.embedded_pairs": 250_000,
        "data.level": "wordpiece",
        "data.vocabulary_size": 6000,
        "data.max_tokens": 80,
        "data.reverse_source": False,
        "model.units": 384,
        "model.layers": 2,
        "model.embedding_dim": 256,
        "model.dropout": 0.3,
        "training.epochs": 16,
        "training.tokens_per_batch": 1536,
        "training.learning_rate": 2e-3,
        "training.warmup_steps": 400,
        "training.label_smoothing": 0.1,
        "training.early_stopping_patience": 5,
        "decoding.beam_width": 6,
    },
    tiny={
        "data.embedded_pairs": 200,
        "model.units": 16,
        "model.embedding_dim": 8,
        "model.dropout": 0.0,
        "training.epochs": 8,
        "training.learning_rate": 0.02,
        "training.warmup_steps": 0,
        "training.decay": "none",
        "training.clip_norm": 5.0,
        "training.tokens_per_batch": 512,
        "training.batch_shapes": 1,
        "training.val_sentences": 20,
        "decoding.beam_width": 2,
        "word_vectors.tsne_words": 40,
    },
)


def inputs(config: TranslateConfig) -> Sequence[Path]:
    """The user's files; none for embedded and downloaded corpora."""
    evaluation.require_bleu_tokenizer(config.evaluation.bleu_tokenizer, config.data.target_language)
    return text.corpus_inputs(config.data)


def corpus(config: TranslateConfig) -> text.ParallelCorpus:
    """The sentence pairs by split, downloaded if need be."""
    evaluation.require_bleu_tokenizer(config.evaluation.bleu_tokenizer, config.data.target_language)
    return text.open_corpus(config.data, seed=config.data.seed)


def scorers(config: TranslateConfig) -> Mapping[str, evaluation.Scorer]:
    """BLEU and chrF against the user's references as they are, and BLEU in one spelling of both sides."""
    tokenizer = evaluation.bleu_tokenizer(config.evaluation.bleu_tokenizer, config.data.target_language)

    def normalized_bleu(*sides: Sequence[str]) -> evaluation.Score:
        hypotheses, references = (
            [line.decode() for line in text.normalize(list(side), config.data.lowercase).numpy()] for side in sides
        )
        return evaluation.bleu(hypotheses, references, tokenizer=tokenizer)

    return {
        "bleu": evaluation.Scorer(functools.partial(evaluation.bleu, tokenizer=tokenizer)),
        "chrf": evaluation.Scorer(evaluation.chrf),
        "bleu_normalized": evaluation.Scorer(normalized_bleu),
    }


def word_for_word(config: TranslateConfig, prepared: Prepared, test_set: str) -> list[str]:
    """The baseline: every source token replaced by its likeliest partner in the training pairs."""
    source, target = text.load_tokenizers(prepared.directory, config.data)
    pairs = zip(*text.load_pairs(prepared.directory, "train"), strict=True)
    dictionary = evaluation.learn_dictionary(pairs, len(source.vocabulary), len(target.vocabulary))
    sentences, _ = text.load_pairs(prepared.directory, test_set)
    return [target.detokenize(evaluation.translate_ids(ids, dictionary)[None]).numpy()[0].decode() for ids in sentences]


TASK = shapes.encoder_decoder(
    name="translate",
    summary="English to French, or any language pair.",
    config=TranslateConfig,
    presets=PRESETS,
    primary_metric="test_bleu",
    records=TextRecords(good=("The old house is not beautiful.", "They eat an apple.", "Where is my dog?")),
    inputs=inputs,
    corpus=corpus,
    scorers=scorers,
    baseline=word_for_word,
)
