"""The tests that ship with Keras for its recurrent layers, run on ours; those with a kernel by either one."""

import sys
import types
from unittest import mock

import keras
import tensorflow as tf
from keras.src.layers.rnn import (
    bidirectional_test,
    gru_test,
    lstm_test,
    rnn_test,
    simple_rnn_test,
    stacked_rnn_cells_test,
)

from rnn_tasks import layers
from rnn_tasks.layers import cell_run, fused

OURS = {
    **{name: getattr(layers, name) for name in ("LSTM", "GRU", "SimpleRNN", "RNN", "LSTMCell", "GRUCell")},
    "SimpleRNNCell": layers.BasicRNNCell,
    "StackedRNNCells": layers.MultiRNNCell,
    "Bidirectional": layers.Bidirectional,
}
LEFT_OUT = {
    "test_torch_cudnn_dispatch_fires": "it watches torch call cuDNN",
    "test_torch_cudnn_bidirectional_gru_dispatch_fires": "it watches torch call cuDNN",
    "test_correctness_single_state_stack": "our stack gives a list of states for each cell, also where that has one",
}


class OnOurLayers:
    """Mixed into a Keras test: where it says `layers.LSTM`, it gets ours. Each has to reach the `kernel`, if any."""

    kernel = None

    def setUp(self):
        if reason := LEFT_OUT.get(self._testMethodName):
            super().skipTest(reason)
        super().setUp()  # which makes Keras' tracebacks long for all that follows
        self.addCleanup(keras.config.enable_traceback_filtering)
        keras_test = next(base for base in type(self).__mro__ if base.__module__.startswith("keras."))
        theirs = {name: getattr(keras.layers, name) for name in dir(keras.layers)}
        module = sys.modules[keras_test.__module__]
        self.enterContext(mock.patch.object(module, "layers", types.SimpleNamespace(**{**theirs, **OURS})))
        self.taken = set()
        self.enterContext(mock.patch.object(fused, "choose_for_layer", self.choose))
        if self.kernel == "tensorflow":
            self.enterContext(mock.patch.object(cell_run, "reason_against", return_value="this test asks so"))
            self.enterContext(mock.patch.object(cell_run, "loop_pays", return_value=True))

    def choose(self, layer, step, training, batch=None, chosen=fused.choose_for_layer):
        choice = chosen(layer, step, training, batch)
        self.taken.add(choice.kernel)
        return choice

    def tearDown(self):
        wanted = "none" if tf.config.list_physical_devices("GPU") else self.kernel
        assert self.kernel is None or wanted in self.taken
        super().tearDown()

    def skipTest(self, reason):
        self.fail(f"Keras' test leaves itself out: {reason}")


class TestLSTM(OnOurLayers, lstm_test.LSTMTest):
    kernel = "native"


class TestGRU(OnOurLayers, gru_test.GRUTest):
    kernel = "native"


class TestSimpleRNN(OnOurLayers, simple_rnn_test.SimpleRNNTest):
    kernel = "native"


class TestLSTMInALoop(TestLSTM):
    kernel = "tensorflow"


class TestGRUInALoop(TestGRU):
    kernel = "tensorflow"


class TestSimpleRNNInALoop(TestSimpleRNN):
    kernel = "tensorflow"


class TestBidirectional(OnOurLayers, bidirectional_test.SimpleRNNTest):  # so Keras calls it
    pass


class TestRNN(OnOurLayers, rnn_test.RNNTest):
    pass


class TestStack(OnOurLayers, stacked_rnn_cells_test.StackedRNNTest):
    pass


def test_nothing_else_is_left_out():
    cases = [case for case in globals().values() if isinstance(case, type) and issubclass(case, OnOurLayers)]
    tests = {name: getattr(case, name) for case in cases for name in dir(case) if name.startswith("test")}
    marks = [(name, mark) for name, test in tests.items() for mark in getattr(test, "pytestmark", [])]
    marked = {name for name, mark in marks if mark.name == "skip" or (mark.name == "skipif" and mark.args[0])}
    assert marked <= LEFT_OUT.keys() <= tests.keys()
