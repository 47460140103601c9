"""The recurrent layers that a model's config chooses from, by name."""

from __future__ import annotations

from typing import Literal

import keras

from rnn_tasks.layers import GRU, LSTM, BasicRNNCell, GRUCell, LSTMCell, SimpleRNN

Cell = Literal["lstm", "gru", "simple_rnn"]

RECURRENT: dict[str, type[keras.layers.RNN]] = {"lstm": LSTM, "gru": GRU, "simple_rnn": SimpleRNN}
CELLS: dict[str, type[keras.layers.Layer]] = {"lstm": LSTMCell, "gru": GRUCell, "simple_rnn": BasicRNNCell}
