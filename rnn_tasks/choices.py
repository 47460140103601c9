"""The named choices of settings and models, defined once and without Keras."""

from __future__ import annotations

from typing import Literal

Cell = Literal["lstm", "gru", "simple_rnn"]
"""Cells of encoders and decoders."""
SequenceCell = Literal["lstm", "peephole_lstm", "gru", "simple_rnn", "irnn"]
"""Cells of models that read one sequence."""
KernelInitializer = Literal["default", "glorot_uniform", "he_normal"]
RecurrentInitializer = Literal["default", "orthogonal", "he_normal"]
Pooling = Literal["last", "mean", "attention"]
"""How a sequence becomes one vector."""
Attention = Literal["none", "luong", "bahdanau"]
Order = Literal["rows", "columns", "pixels", "permuted", "blocks"]
"""The order in which an image is read."""
