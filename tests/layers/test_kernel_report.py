"""What `kernel_report` says of each way a layer can run, with the reason."""

import keras
import pytest
import tensorflow as tf

from rnn_tasks import layers
from rnn_tasks.layers import cell_run
from rnn_tasks.layers.fused import choose_for_layer


def test_a_model_of_many():
    stack = layers.MultiRNNCell(
        [
            layers.DropoutWrapper(layers.PeepholeLSTMCell(3), state_keep_prob=0.5, name="dropping"),
            layers.ResidualWrapper(layers.LSTMCell(3, name="above")),
            layers.LayerNormLSTMCell(3),
        ]
    )
    model = keras.Sequential(
        [
            keras.Input((5, 3)),
            layers.LSTM(4, return_sequences=True, name="fast"),
            layers.GRU(4, return_sequences=True, reset_after=False),
            keras.layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True, activation="elu")),
            keras.layers.LSTM(3, return_sequences=True),
            layers.RNN(stack, return_sequences=True, name="stack"),
            layers.RNN(layers.LSTMCell(3), unroll=True),
        ]
    )
    report = layers.kernel_report(model)
    found = {(use.kind, use.kernel, use.reason) for use in report}
    assert found == {
        ("LSTM", "native", None),
        ("GRU", "native", None),
        ("SimpleRNN", "keras", "activation is elu, not tanh"),
        ("keras.layers.LSTM", "keras", "it is Keras' own; rnn_tasks.layers.LSTM gives the same"),
        ("PeepholeLSTMCell", "step by step", "DropoutWrapper dropping needs each step's output before the next"),
        ("LSTMCell", "native", None),
        ("LayerNormLSTMCell", "step by step", "no kernel is written for LayerNormLSTMCell"),
        ("LSTMCell", "step by step", "unroll is True"),
    }
    assert len(report) == 9  # one for each direction of the bidirectional
    assert {use.name for use in report} >= {"fast", "stack/above"}


def test_inference_is_another_matter():
    layer = layers.LSTM(3)
    (use,) = layers.kernel_report(layer, training=False)
    assert use.kernel == "keras"
    assert "load anywhere" in use.reason
    (use,) = layers.kernel_report(layers.SimpleRNN(3), training=False)
    assert use.kernel == "tensorflow"
    with layers.native_inference():
        assert layers.kernel_report(layer, training=False)[0][2:] == ("native", None)


@pytest.mark.parametrize(
    ("kind", "units", "pays", "many"),
    [(layers.LSTM, 255, 2, 3), (layers.LSTM, 256, 3, None), (layers.GRU, 8, 128, 129), (layers.SimpleRNN, 8, 32, 33)],
)
def test_the_loop_leaves_to_keras_what_keras_does_faster(monkeypatch, kind, units, pays, many):
    """As benchmarks/every_shape.py finds it."""
    monkeypatch.setattr(cell_run, "reason_against", lambda *_: "this test asks so")
    layer = kind(units)

    def choice(training, batch):
        return choose_for_layer(layer, layer.step, training, batch)

    assert choice(True, pays).kernel == "tensorflow"
    if many:
        keras_own = ("none", f"this test asks so; and for {many} rows of {units} units Keras' own way is no slower")
        assert (choice(True, many).kernel, choice(True, many).reason[: len(keras_own[1])]) == keras_own
    assert choice(True, None).kernel == ("none" if many else "tensorflow")
    for batch in (1, 2, None):
        taken = "tensorflow" if batch == 1 or kind is layers.SimpleRNN else "none"
        assert choice(False, batch).kernel == taken
    kernels = []
    ask = tf.function(lambda: kernels.append(choice(True, many).kernel), autograph=False, jit_compile=True)
    ask.get_concrete_function()
    assert kernels == ["tensorflow"]  # in XLA it always pays in training


def test_a_model_that_xla_compiles():
    model = keras.Sequential([keras.Input((5, 3)), layers.GRU(4, return_sequences=True), layers.LSTM(4, unroll=True)])
    wanted = [
        ("tensorflow in XLA", "XLA compiles TensorFlow's own operations only"),
        ("keras in XLA", "unroll is True"),
    ]
    assert [use[2:] for use in layers.kernel_report(model, jit_compile=True)] == wanted
    model.compile(jit_compile=True)
    assert [use[2:] for use in layers.kernel_report(model)] == wanted
    model.compile(jit_compile=False)
    assert [use[2:] for use in layers.kernel_report(model)] == [("native", None), ("keras", "unroll is True")]


def test_attention_with_input_feeding():
    def report(cell, attention):
        wrapper = layers.AttentionWrapper(cell, attention, attention_units=4)
        return layers.kernel_report(layers.RNN(wrapper))[0][2:]

    assert report(layers.LSTMCell(3), layers.LuongAttention(3)) == ("native", None)
    assert report(layers.LSTMCell(3), layers.BahdanauAttention(2)) == ("native", None)
    kernel, reason = report(layers.GRUCell(3), layers.LuongAttention(3))
    assert kernel == "step by step"
    assert "not GRUCell" in reason
