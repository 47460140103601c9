"""On a GPU the fast layers are cuDNN's: the choice and its arguments. A stand-in of NumPy takes its place.

The stand-in computes what NVIDIA's documentation of cudnnRNNForward says from the parameters in cuDNN's own order, so
that a gate, a bias, a length or a direction handed over wrongly gives other numbers. What it cannot show is cuDNN.
"""

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import layers

BATCH, TIME, FEATURES, UNITS = 3, 5, 4, 2
INPUTS = np.random.default_rng(3).normal(size=(BATCH, TIME, FEATURES)).astype("float32")
LENGTHS = np.array([5, 2, 1])
PADDED, HOLES = np.arange(TIME) < LENGTHS[:, None], np.tile(np.arange(TIME) % 2 == 0, (BATCH, 1))
KINDS = pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU])


@pytest.fixture
def gpu(monkeypatch):
    """A GPU to ask for and cuDNN's operation; the list of its calls."""
    devices = {"GPU": ["GPU:0"], None: ["CPU:0", "GPU:0"], "CPU": ["CPU:0"]}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda device_type=None: devices[device_type])
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda device_type=None: devices[device_type])
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: {"is_cuda_build": True, "is_rocm_build": False})
    calls = []

    def operation(rnn_mode, sequence_lengths, time_major, is_training, **tensors):
        assert is_training
        assert not time_major
        calls.append(np.asarray(sequence_lengths))
        given = [np.asarray(tensors[name]) for name in ("input", "input_h", "input_c", "params")]
        return cudnn(rnn_mode, *given, calls[-1])

    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", operation)
    return calls


def cudnn(mode, inputs, h, c, params, lengths):
    """Outputs (batch, time, units), zeros behind each length, and the final states (batch, 1, units)."""
    gates = {"lstm": 4, "gru": 3}[mode]
    sizes = [UNITS * FEATURES] * gates + [UNITS * UNITS] * gates + [UNITS] * (2 * gates)
    parts = np.split(params, np.cumsum(sizes)[:-1])
    of_x, of_h, bias_x, bias_h = (parts[i * gates : (i + 1) * gates] for i in range(4))
    outputs, h = np.zeros((BATCH, TIME, UNITS), "float32"), h[:, 0].copy()
    c = c[:, 0].copy() if mode == "lstm" else np.zeros_like(h)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    for b, length in enumerate(lengths):
        for t in range(length):
            x = [w.reshape(UNITS, FEATURES) @ inputs[b, t] + bias for w, bias in zip(of_x, bias_x, strict=True)]
            r = [w.reshape(UNITS, UNITS) @ h[b] + bias for w, bias in zip(of_h, bias_h, strict=True)]
            if mode == "lstm":  # input, forget, new memory, output
                i, f, new, o = (x[g] + r[g] for g in range(4))
                c[b] = sigmoid(f) * c[b] + sigmoid(i) * np.tanh(new)
                h[b] = sigmoid(o) * np.tanh(c[b])
            else:  # reset, update, new memory
                reset, update = sigmoid(x[0] + r[0]), sigmoid(x[1] + r[1])
                h[b] = (1 - update) * np.tanh(x[2] + reset * r[2]) + update * h[b]
            outputs[b, t] = h[b]
    return outputs, h[:, None], c[:, None], None, None


def build(kind, **options):
    layer = kind(UNITS, return_state=True, **options)
    layer.build(INPUTS.shape)
    random = np.random.default_rng(5)
    layer.set_weights([random.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def agree(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@KINDS
@pytest.mark.parametrize("mask", [None, PADDED])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_cudnn_gives_the_numbers_of_the_native_kernel(kind, mask, go_backwards, return_sequences, request):
    layer = build(kind, go_backwards=go_backwards, return_sequences=return_sequences)
    start = [np.full((BATCH, UNITS), 0.3 + i, "float32") for i, _ in enumerate(layer.state_size)]
    wanted = layer(INPUTS, initial_state=start, mask=mask)
    calls = request.getfixturevalue("gpu")
    found = layer(INPUTS, initial_state=start, mask=mask)
    np.testing.assert_array_equal(calls, [LENGTHS if mask is not None else [TIME] * BATCH])
    if return_sequences and mask is not None:  # where it is False, cuDNN has zeros, the kernels the last output
        kept = mask[:, ::-1] if go_backwards else mask
        wanted = [np.where(kept[:, :, None], wanted[0], 0), *wanted[1:]]
    agree(found, wanted)


@KINDS
def test_a_mask_that_cudnn_cannot_take_goes_to_the_loop(kind, request):
    layer = build(kind)
    wanted = layer(INPUTS, mask=HOLES)
    calls = request.getfixturevalue("gpu")
    agree(layer(INPUTS, mask=HOLES), wanted)
    assert not calls


@KINDS
def test_without_cudnn_where_it_is_not_wanted(kind, request):
    layer = build(kind, use_cudnn=False)
    wanted = layer(INPUTS)
    calls = request.getfixturevalue("gpu")
    agree(layer(INPUTS), wanted)
    assert not calls


@pytest.mark.parametrize(
    ("layer", "kernel"),
    [
        (lambda: layers.LSTM(2), "cudnn"),
        (lambda: layers.GRU(2), "cudnn"),
        (lambda: layers.LSTM(2, use_cudnn=True), "cudnn"),
        (lambda: layers.LSTM(2, use_cudnn=False), "keras"),
        (lambda: layers.LSTM(2, unroll=True), "keras"),
        (lambda: layers.LSTM(2, activation="relu"), "keras"),
        (lambda: layers.LSTM(2, recurrent_dropout=0.5), "keras"),
        (lambda: layers.GRU(2, reset_after=False), "keras"),
        (lambda: layers.SimpleRNN(2), "keras"),
        (lambda: layers.RNN(layers.LSTMCell(2)), "step by step"),
    ],
)
def test_the_report_says_where_it_is_cudnn(layer, kernel, gpu):
    layer = layer()
    (use,) = layers.kernel_report(layer)
    assert use.kernel == kernel
    assert (use.reason is None) == (kernel == "cudnn")
    assert layers.kernel_report(layer, jit_compile=True)[0].kernel == f"{kernel} in XLA".replace("cudnn", "keras")
