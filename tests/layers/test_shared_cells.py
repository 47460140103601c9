"""One cell at several places: what is made of a layer shares it in turn, or the layer says in one sentence why not."""

import json

import keras
import numpy as np
import pytest

from rnn_tasks import layers
from rnn_tasks.layers import (
    RNN,
    AttentionWrapper,
    BahdanauAttention,
    Bidirectional,
    DropoutWrapper,
    GRUCell,
    HighwayWrapper,
    LSTMCell,
    LuongAttention,
    MultiRNNCell,
    ResidualWrapper,
)

WIDTH = 3
SEQUENCES = np.random.default_rng(0).normal(size=(2, 4, WIDTH)).astype("float32")


def in_two_wrappers(cell):
    return [ResidualWrapper(cell), ResidualWrapper(cell)]


def wrapper_inside_another(cell):
    inner = ResidualWrapper(cell)
    return [inner, HighwayWrapper(inner), cell]


def in_stacks(cell):
    inner = MultiRNNCell([cell, DropoutWrapper(cell, 0.5)])
    return [inner, ResidualWrapper(inner)]


def in_a_stack_of_keras(cell):
    return keras.layers.StackedRNNCells(in_two_wrappers(cell))


def one_attention(cell):
    attention = BahdanauAttention(2)
    return [AttentionWrapper(cell, attention, WIDTH), AttentionWrapper(GRUCell(WIDTH), attention, WIDTH)]


def attention_inside_another(cell):
    attention = LuongAttention(WIDTH)
    return AttentionWrapper(AttentionWrapper(cell, attention, WIDTH, input_feeding=False), attention, WIDTH)


NESTS = {
    "two wrappers": in_two_wrappers,
    "twice in a stack": lambda cell: [cell, cell],
    "with and without": lambda cell: [ResidualWrapper(cell), cell],
    "wrapper inside another": wrapper_inside_another,
    "stacks": in_stacks,
    "stack of Keras": in_a_stack_of_keras,
    "attention": one_attention,
    "attention inside another": attention_inside_another,
}
CELLS = {"ours": LSTMCell, "of Keras": keras.layers.LSTMCell}


def attends(layer):
    return any(isinstance(part, AttentionWrapper) for part in layer._flatten_layers())


def model_of(layer):
    sequences = keras.Input((None, WIDTH))
    return keras.Model(sequences, layer(sequences, memory=sequences) if attends(layer) else layer(sequences))


def loaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.models.load_model(tmp_path / "model.keras")


WAYS = {
    "saved": loaded,
    "saved again": lambda model, tmp_path: loaded(loaded(model, tmp_path), tmp_path),
    "cloned": lambda model, _: keras.models.clone_model(model),
    "json": lambda model, _: keras.models.model_from_json(model.to_json()),
    "config": lambda model, _: model_of(RNN.from_config(model.layers[-1].get_config())),
}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("nest", NESTS)
@pytest.mark.parametrize("way", WAYS)
def test_sharing_survives(nest, way, cell, tmp_path):
    model = model_of(RNN(NESTS[nest](CELLS[cell](WIDTH)), return_sequences=True))
    again = WAYS[way](model, tmp_path)
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in model.weights]
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again(SEQUENCES), model(SEQUENCES), atol=1e-6)
    assert json.dumps(again.layers[-1].get_config()) == json.dumps(model.layers[-1].get_config())


@pytest.mark.parametrize("both_ways", [Bidirectional, keras.layers.Bidirectional])
@pytest.mark.parametrize("nest", [nest for nest in NESTS if "attention" not in nest])
def test_sharing_survives_both_ways(nest, both_ways, tmp_path):
    """In each of the two directions, which share nothing with each other, nor with the layer that they were made of."""
    layer = RNN(NESTS[nest](LSTMCell(WIDTH)))
    model = model_of(both_ways(layer))
    one_way = model_of(layer)
    for made in (model, loaded(model, tmp_path), keras.models.clone_model(model)):
        assert len(made.weights) == 2 * len(one_way.weights)
        made.set_weights([2 * weight for weight in model.get_weights()])
    forward = model.layers[-1].forward_layer
    forward.set_weights(layer.get_weights())
    np.testing.assert_allclose(model(SEQUENCES)[:, :WIDTH], one_way(SEQUENCES), atol=1e-6)


def test_configs_are_plain_where_nothing_is_shared():
    layer = RNN([ResidualWrapper(LSTMCell(WIDTH)), AttentionWrapper(GRUCell(WIDTH), LuongAttention(WIDTH))])
    assert "shared_cell" not in json.dumps(layer.get_config())
    config = layer.get_config()
    for _ in range(2):  # and reading one leaves it whole
        assert RNN.from_config(config).get_config() == config
    wrapper = config["cell"]["config"]["cells"][0]["config"]
    for _ in range(2):
        assert ResidualWrapper.from_config(wrapper).cell.units == WIDTH


def test_alignments_of_a_wrapper_at_two_places(tmp_path):
    wrapper = AttentionWrapper(LSTMCell(WIDTH), LuongAttention(WIDTH), WIDTH)
    model = model_of(RNN([wrapper, wrapper], alignment_history=True))
    assert [output.shape for output in model.outputs] == [(None, WIDTH), (None, None, None), (None, None, None)]
    _, lower, upper = model(SEQUENCES)
    assert lower.shape == upper.shape == (2, 4, 4)
    assert np.abs(lower - upper).max() > 1e-4
    for found, wanted in zip(loaded(model, tmp_path)(SEQUENCES), model(SEQUENCES), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def chain(cell):
    sequences = keras.Input((None, WIDTH))
    return keras.Model(sequences, RNN(cell)(RNN([ResidualWrapper(cell)], return_sequences=True)(sequences)))


def towers(cell):
    left, right = keras.Input((None, WIDTH)), keras.Input((None, WIDTH))
    return keras.Model([left, right], RNN(cell)(left) - RNN(cell, go_backwards=True)(right))


def one_attention_in_two_layers(cell):
    attention, sequences = BahdanauAttention(2), keras.Input((None, WIDTH))
    lower = RNN(AttentionWrapper(cell, attention, WIDTH), return_sequences=True)(sequences, memory=sequences)
    return keras.Model(sequences, RNN(AttentionWrapper(GRUCell(WIDTH), attention))(lower, memory=sequences))


def model_in_a_model(cell):
    inner = keras.Sequential([keras.Input((None, WIDTH)), RNN(cell, return_sequences=True)])
    sequences = keras.Input((None, WIDTH))
    return keras.Model(sequences, RNN(cell)(inner(sequences)))


def one_way_of_two(cell):
    both = Bidirectional(
        RNN(LSTMCell(WIDTH), return_sequences=True), "sum", backward_layer=RNN(cell, True, go_backwards=True)
    )
    sequences = keras.Input((None, WIDTH))
    return keras.Model(sequences, RNN(cell)(both(sequences)))


ACROSS = {
    "chain": chain,
    "towers": towers,
    "sequential": lambda cell: keras.Sequential([keras.Input((None, WIDTH)), RNN(cell, True), RNN([cell, cell])]),
    "attention": one_attention_in_two_layers,
    "model in a model": model_in_a_model,
    "one way of two": one_way_of_two,
}


@pytest.mark.parametrize("build", ACROSS)
def test_a_cell_of_two_layers_survives_in_a_saved_model_and_is_refused_where_it_cannot(build, tmp_path):
    model = ACROSS[build](LSTMCell(WIDTH))
    inputs = [SEQUENCES] * len(model.inputs) if len(model.inputs) > 1 else SEQUENCES
    again = loaded(loaded(model, tmp_path), tmp_path)
    assert len(again.weights) == len(model.weights)
    np.testing.assert_allclose(again(inputs), model(inputs), atol=1e-6)
    for copy in (keras.models.clone_model, lambda model: model.to_json()):
        with pytest.raises(ValueError, match="is in two layers of a model, .* and .*: call one layer twice"):
            copy(model)


def test_a_cell_of_a_layer_that_cannot_tell_is_refused(tmp_path):
    lstm, sequences = layers.LSTM(WIDTH, return_sequences=True), keras.Input((None, WIDTH))
    of_keras = keras.layers.RNN(LSTMCell(WIDTH), return_sequences=True)
    for layer in (lstm, of_keras):
        model = keras.Model(sequences, RNN(layer.cell)(layer(sequences)))
        with pytest.raises(ValueError, match="lstm_cell.* is in two layers of a model"):
            model.save(tmp_path / "model.keras")


def test_layers_over_one_cell_in_models_of_their_own_are_nobodys_business(tmp_path):
    """One layer twice, one that is called by itself, and one of another model over the same embedding."""
    cell, dense = LSTMCell(WIDTH), keras.layers.Dense(WIDTH)
    layer, sequences, others = RNN(cell, return_sequences=True), keras.Input((None, WIDTH)), keras.Input((4, WIDTH))
    model = keras.Model(sequences, layer(layer(dense(sequences))))
    RNN(cell, unroll=True)(SEQUENCES)
    other = keras.Model(others, RNN(cell, unroll=True)(dense(others)))
    assert len(keras.models.clone_model(model).weights) == len(model.weights) == len(other.weights)
    np.testing.assert_allclose(loaded(model, tmp_path)(SEQUENCES), model(SEQUENCES), atol=1e-6)
    np.testing.assert_allclose(loaded(other, tmp_path)(SEQUENCES), other(SEQUENCES), atol=1e-6)


class TwoAtOnce(ResidualWrapper):
    """A wrapper that somebody wrote, which holds one cell more."""

    def __init__(self, cell, other, **kwargs):
        super().__init__(cell, **kwargs)
        self.other = other

    def get_config(self):
        return {**super().get_config(), "other": keras.saving.serialize_keras_object(self.other)}


def test_places_that_no_config_tells_are_refused():
    cell = LSTMCell(WIDTH)
    stack = keras.layers.StackedRNNCells
    for nest in (stack([cell, cell]), stack([ResidualWrapper(cell), cell]), [TwoAtOnce(cell, cell), GRUCell(WIDTH)]):
        layer = RNN(nest, name="rnn")
        with pytest.raises(ValueError, match="has several places in rnn, and of what holds it there only MultiRNNCell"):
            Bidirectional(layer)
    with pytest.raises(ValueError, match="cannot serve both ways: the way forwards goes through a copy"):
        Bidirectional(RNN(cell), backward_layer=RNN(ResidualWrapper(cell), go_backwards=True))
