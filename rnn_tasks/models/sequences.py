"""Models that read one sequence: to its end (sequence to vector), or answering at every step (sequence to sequence)."""

from __future__ import annotations

from typing import Any

import keras

from rnn_tasks.choices import KernelInitializer, Pooling, RecurrentInitializer, SequenceCell
from rnn_tasks.models.stack import recurrent_stack, seeds_of, sequence_input


def sequence_to_vector(vocabulary_size: int = 0, **settings: Any) -> keras.Model:
    """A model from a sequence to logits (batch, outputs), from its last state or a mean of all; settings as in
    `sequence_model`.

    A sequence's logits do not depend on the rest of its batch.
    """
    return sequence_model("sequence_to_vector", vocabulary_size, steps=False, **settings)


def sequence_to_sequence(vocabulary_size: int = 0, **settings: Any) -> keras.Model:
    """A model from a sequence to logits (batch, time, outputs), one answer a step; settings as in `sequence_model`.

    A step's logits depend only on the steps up to it. After a sequence's end they have no meaning.
    """
    return sequence_model("sequence_to_sequence", vocabulary_size, steps=True, **settings)


def sequence_model(
    name: str,
    vocabulary_size: int = 0,
    *,
    steps: bool,
    outputs: int,
    units: int,
    features: int = 0,
    time: int | None = None,
    layers: int = 1,
    cell: SequenceCell = "lstm",
    kernel_initializer: KernelInitializer = "default",
    recurrent_initializer: RecurrentInitializer = "default",
    embedding_dim: int = 16,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    memory: int = 0,
    forget_bias: float = 1.0,
    pooling: Pooling = "last",
    seed: int = 1,
) -> keras.Model:
    """A stack of recurrent layers over a sequence, and a projection of its outputs. Right padding is masked.

    Args:
        name: of the model.
        vocabulary_size: number of ids, the padding id 0 included; 0 for feature vectors.
        steps: answer at every step instead of once.
        outputs: number of logits in each answer.
        units: of each recurrent layer.
        features: length of a feature vector; 0 for ids.
        time: steps of every sequence of feature vectors; None where they differ and come with their lengths.
        layers: recurrent layers, each reading the one before.
        cell: "lstm", "peephole_lstm", "gru", "simple_rnn" or "irnn".
        kernel_initializer: of input weights: "glorot_uniform" or "he_normal"; "default" is "glorot_uniform", or the
            paper's initializer for an IRNN.
        recurrent_initializer: "orthogonal" or "he_normal"; "default" is "orthogonal". An IRNN starts with the identity.
        embedding_dim: length of an id's vector.
        dropout: dropped share of the non-recurrent connections in training (Zaremba et al. 2014).
        recurrent_dropout: dropped share of the recurrent connections in training, one mask a sequence (Gal & Ghahramani
            2016).
        memory: steps over which units remember at first: each unit's time scale is drawn between 2 and this (Tallec &
            Ollivier 2018). 0 leaves the gates as Keras starts them: they forget within about five steps.
        forget_bias: initial bias of an LSTM's forget gate, with a `memory` of 0 (Jozefowicz et al. 2015).
        pooling: which of the last layer's outputs is projected, if there is one answer: the "last", their "mean", or a
            mean weighted by "attention".
        seed: of the initial weights and of dropout.

    Returns:
        A model from ids (batch, time) int32; or from {"inputs": (batch, time, features)} if `time` is given; or else
        from these inputs and {"lengths": (batch,) int32}.

    Raises:
        ValueError: not exactly one of `vocabulary_size` and `features` is given; an IRNN with a recurrent initializer.

    References:
        Zaremba, Sutskever & Vinyals (2014), Recurrent Neural Network Regularization.
        Gal & Ghahramani (2016), A Theoretically Grounded Application of Dropout in Recurrent Neural Networks.
        Jozefowicz, Zaremba & Sutskever (2015), An Empirical Exploration of Recurrent Network Architectures.
        Tallec & Ollivier (2018), Can Recurrent Neural Networks Warp Time?
    """
    seeds = seeds_of(seed)
    inputs, hidden, mask = sequence_input(vocabulary_size, features, time, embedding_dim, next(seeds))
    logits = recurrent_stack(
        hidden,
        mask,
        seeds,
        units=units,
        layers=layers,
        cell=cell,
        kernel_initializer=kernel_initializer,
        recurrent_initializer=recurrent_initializer,
        dropout=dropout,
        recurrent_dropout=recurrent_dropout,
        memory=memory,
        forget_bias=forget_bias,
        pooling=pooling,
        outputs=outputs,
        steps=steps,
    )
    return keras.Model(inputs, logits, name=name)
