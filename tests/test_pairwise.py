"""The covering set that tries every setting."""

import itertools
from typing import Literal, get_args

from pairwise import covering_configs
from pydantic import Field, model_validator

from rnn_tasks.config import Section, TaskConfig, TrainingConfig, dotted_keys


class Shape(Section):
    cell: Literal["lstm", "gru", "rnn"] = Field("gru")
    units: int = Field(16, ge=2, multiple_of=2)
    layers: int = Field(1, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    feeds: bool = Field(False)
    language: str = Field("en")
    kind: str = Field("a", examples=["b", "c"])

    @model_validator(mode="after")
    def _fits(self):
        if self.feeds and self.cell == "rnn":
            raise ValueError("only gates are fed")
        return self


class Config(TaskConfig):
    model: Shape = Shape()


def test_every_possible_pair_is_covered_and_only_impossible_ones_are_left_out():
    configs, impossible = covering_configs(Config(training=TrainingConfig(clip_norm=5.0)))
    domains = {
        "model.cell": ["gru", "lstm", "rnn"],
        "model.units": [16, 8],
        "model.layers": [1, 2],
        "model.dropout": [0.0, 0.25],
        "model.feeds": [False, True],
        "model.kind": ["a", "b", "c"],
        "training.optimizer": ["adam", "adamw", "nadam", "rmsprop", "sgd", "adagrad"],
        "training.momentum": [0.0, 0.25],
        "training.weight_decay": [None, 0.1],
        "training.clip_norm": [5.0, 0.0],
        "training.jit_compile": [False, True],
        "training.strategy": ["none", "mirrored"],
        "training.devices": ["", "2"],
    }

    def value(config, key):
        section, name = key.split(".")
        return getattr(getattr(config, section), name)

    left_out = {
        frozenset({("training.strategy", "none"), ("training.devices", "2")}),
        frozenset({("model.cell", "rnn"), ("model.feeds", True)}),
        frozenset({("training.momentum", 0.25), ("training.weight_decay", 0.1)}),
        *(
            frozenset({("training.optimizer", kind), given})
            for given, owner in ((("training.momentum", 0.25), "sgd"), (("training.weight_decay", 0.1), "adamw"))
            for kind in domains["training.optimizer"]
            if kind != owner
        ),
    }
    assert {frozenset(pair) for pair in impossible} == left_out
    for one, other in itertools.combinations(domains, 2):
        wanted = set(itertools.product(domains[one], domains[other]))
        found = {(value(config, one), value(config, other)) for config in configs}
        assert found == {(a, b) for a, b in wanted if frozenset({(one, a), (other, b)}) not in left_out}
    optimizers, decays = (get_args(TrainingConfig.model_fields[name].annotation) for name in ("optimizer", "decay"))
    least = len(optimizers) * len(decays)  # of the two settings with the most values: no cover is smaller
    assert least <= len(configs) < 1.5 * least
    assert {config.model.language for config in configs} == {"en"}
    types = {key: {type(value(config, key)) for config in configs} - {type(None)} for key in domains}
    assert {key: found for key, found in types.items() if len(found) != 1} == {}
    assert covering_configs(Config())[0] == covering_configs(Config())[0]
    assert set(domains) < set(dotted_keys(Config))
