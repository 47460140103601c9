"""Whole-sequence recurrences with hand-written gradients, the arithmetic below the fast layers."""

from rnn_tasks.layers.kernels.sequence import recur
from rnn_tasks.layers.kernels.steps import GRU_STEP, LSTM_STEP, SIMPLE_RNN_STEP

__all__ = ["GRU_STEP", "LSTM_STEP", "SIMPLE_RNN_STEP", "recur"]
