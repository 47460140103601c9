"""A cell, or an attention, in several places: the config records that it is shared, and a layer made from it shares it.

Keras records this for layers that a model has twice, and within `model.save` for some cells. If a cell is inside two
wrappers, Keras makes two copies of it. So does everything that makes a layer from another's config: `clone_model`,
`Bidirectional`, `from_config`. Here each place of a cell has the cell's whole config and the same number. The first
place that is read makes the cell, and the others find it. If a config cannot record the sharing, it is an error.
"""

from __future__ import annotations

import contextvars
import copy
import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

import keras
from keras.src.backend.common.global_state import get_global_attribute

NUMBER = "shared_cell"


@dataclasses.dataclass
class _Written:
    """The state of the config that is being written: number, config and count of places of each cell, by its id."""

    numbers: dict[int, int] = dataclasses.field(default_factory=dict)
    configs: dict[int, dict] = dataclasses.field(default_factory=dict)
    places: Counter[int] = dataclasses.field(default_factory=Counter)


_written: contextvars.ContextVar[_Written | None] = contextvars.ContextVar("written", default=None)
_read: contextvars.ContextVar[dict[int, Any] | None] = contextvars.ContextVar("read", default=None)


def writes_cells(get_config: Callable) -> Callable:
    """Decorates the `get_config` of a layer that holds cells; it must write them with `serialize`."""

    @functools.wraps(get_config)
    def whole(self):
        if _written.get() is not None:  # within the config of another
            return get_config(self)
        _refuse_cells_of_other_layers(self)
        written = _Written()
        token = _written.set(written)
        try:
            config = get_config(self)
        finally:
            _written.reset(token)
        _refuse_places_that_are_not_written(self, written)
        return _with_numbers(config, {number for cell, number in written.numbers.items() if written.places[cell] > 1})

    return whole


def reads_cells(from_config: Callable) -> Callable:
    """Decorates, below `classmethod`, the `from_config` of such a layer; it must read cells with `deserialize`."""

    @functools.wraps(from_config)
    def whole(cls, config, custom_objects=None):
        token = _read.set({}) if _read.get() is None else None
        try:
            return from_config(cls, dict(config), custom_objects)  # a copy: parts are taken out of it
        finally:
            if token is not None:
                _read.reset(token)

    return whole


def serialize(cell: keras.layers.Layer) -> dict:
    """The config of a cell for one of its places."""
    written = _written.get()
    assert written is not None
    written.places[id(cell)] += 1
    if id(cell) not in written.numbers:
        number = written.numbers[id(cell)] = len(written.numbers)  # the cells inside get later numbers
        config = mark_if_in_other_layers(cell, keras.saving.serialize_keras_object(cell))
        written.configs[id(cell)] = {**config, NUMBER: number}
    return copy.deepcopy(written.configs[id(cell)])


def deserialize(config: dict, custom_objects: Any = None) -> keras.layers.Layer:
    """The cell of a config from `serialize`; it is made when the first of its places is read."""
    read = _read.get()
    assert read is not None
    number = config.get(NUMBER)
    if number not in read:
        cell = keras.saving.deserialize_keras_object(config, custom_objects=custom_objects)
        if number is None:
            return cell
        read[number] = cell
    return read[number]


def belongs_to(layer: keras.layers.Layer, cell: keras.layers.Layer) -> None:
    """Remember that `layer` contains `cell`; other layers may contain it, too."""
    for part in cell._flatten_layers():
        vars(part).setdefault("_layers_over_it", WeakSet()).add(layer)


def mark_if_in_other_layers(cell: keras.layers.Layer, config: dict) -> dict:
    """Record in a saved model, in Keras' own way, that several layers contain a cell."""
    if _model_is_saved() and len(_layers_over(cell)) > 1:
        config["shared_object_id"] = id(cell)
    return config


def _layers_over(cell: Any) -> Any:
    return vars(cell).get("_layers_over_it", ())


def _model_is_saved() -> bool:
    """Whether a whole model is being written or read; then layers can share cells with each other."""
    return get_global_attribute("shared_objects/id_to_config_map") is not None


def _with_numbers(config: Any, numbers: set[int]) -> Any:
    """The config with only these numbers; other numbers are removed."""
    if isinstance(config, dict):
        return {k: _with_numbers(v, numbers) for k, v in config.items() if k != NUMBER or v in numbers}
    if isinstance(config, (list, tuple)):
        return type(config)(_with_numbers(part, numbers) for part in config)
    return config


def _refuse_cells_of_other_layers(layer: Any) -> None:
    parts = {id(part) for part in layer._flatten_layers(include_self=False)}
    for other in _graph(layer):
        within = other._flatten_layers() if isinstance(other, keras.layers.Layer) else []
        for part in [] if layer in within else [part for part in within if id(part) in parts]:
            over = [rnn for rnn in within if isinstance(rnn, keras.layers.RNN) and part in rnn._flatten_layers()]
            if not _model_is_saved() or any(rnn not in _layers_over(part) for rnn in over):
                raise ValueError(
                    f"{part.name} is in two layers of a model, {layer.name} and {other.name}, and a copy of one layer "
                    "would have one of its own: call one layer twice"
                )


def _refuse_places_that_are_not_written(layer: Any, written: _Written) -> None:
    """Refuse shared cells inside layers that do not use `serialize`: Keras' StackedRNNCells, or a user's wrapper."""
    places: Counter[int] = Counter()
    for holder in layer._flatten_layers():
        held = [value for name, value in vars(holder).items() if not name.startswith("_")]
        here = Counter(id(part) for part in keras.tree.flatten(held) if isinstance(part, keras.layers.Layer))
        places.update(here)
        of_keras = type(holder) is keras.layers.StackedRNNCells and not _model_is_saved()
        for part in holder._layers:
            if (of_keras and here[id(part)] > 1) or 0 < written.places[id(part)] < places[id(part)]:
                raise ValueError(
                    f"{part.name} has several places in {layer.name}, and of what holds it there only MultiRNNCell and "
                    "the wrappers of this package can say so in a config"
                )


def _graph(layer: Any) -> Iterator[Any]:
    """The operations of functional models that the layer is in, without itself."""
    nodes, waiting = set(), list(layer._inbound_nodes)
    while waiting:
        node = waiting.pop()
        if node not in nodes:
            nodes.add(node)
            after = [later for later in node.operation._outbound_nodes if node in later.parent_nodes]
            waiting += [*node.parent_nodes, *after]
    yield from {node.operation for node in nodes} - {layer}
