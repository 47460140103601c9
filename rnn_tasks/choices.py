"""What settings and models choose from by name: stated once, without Keras."""

from __future__ import annotations

from typing import Literal

Cell = Literal["lstm", "gru", "simple_rnn"]
"""Of encoders and decoders."""
SequenceCell = Literal["lstm", "peephole_lstm", "gru", "simple_rnn", "irnn"]
"""Of models that read one sequence."""
KernelInitializer = Literal["default", "glorot_uniform", "he_normal"]
RecurrentInitializer = Literal["default", "orthogonal", "he_normal"]
Pooling = Literal["last", "mean", "attention"]
"""How a sequence becomes one vector."""
Attention = Literal["none", "luong", "bahdanau"]
Order = Literal["rows", "columns", "pixels", "permuted", "blocks"]
"""In which an image is read."""
