"""A mistake in a config is one line that names the key and what was found."""

import pytest
from pydantic import Field, model_validator

from rnn_tasks.config import Section, TaskConfig, override, parse_assignment
from rnn_tasks.errors import UserError

KEYS = "(all keys: rnn-tasks describe TASK)"


class Shares(Section):
    swap: float = Field(0.5, ge=0, le=1)
    change: float = Field(0.5, ge=0, le=1)
    words: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fit(self):
        if self.swap + self.change > 1:
            raise ValueError("swap and change add up to more than 1")
        return self


class Config(TaskConfig):
    data: Shares = Shares()

    @model_validator(mode="after")
    def _odd(self):
        if self.seed == 13:
            raise ValueError("a seed of 13 brings bad luck")
        return self


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("data.swap", 2, "data.swap: Input should be less than or equal to 1 (found 2)"),
        ("data.swap", {"a": 1}, "data.swap: Input should be a valid number (found {'a': 1})"),
        ("data.swap", 0.8, "data: swap and change add up to more than 1"),  # all of the section is wrong, not one key
        ("data.words", ["a", 1], "data.words.1: Input should be a valid string (found 1)"),
        ("seed", 13, "a seed of 13 brings bad luck"),
        (
            "data.swop",
            1,
            "unknown config key 'data.swop'; did you mean 'data.swap'? (all keys: rnn-tasks describe TASK)",
        ),
        ("data", 1, "unknown config key 'data'; did you mean 'data.swap'? (all keys: rnn-tasks describe TASK)"),
        ("%%%", 1, "unknown config key '%%%' (all keys: rnn-tasks describe TASK)"),
        ("training.devices", "2", "training: devices are for strategy=mirrored; found devices=2 and strategy=none"),
        *(
            (
                "training.devices",
                wrong,
                "training.devices: accepted is a number of logical CPU devices, 1 to 99, or different devices of one "
                "kind with commas between them, such as CPU:0,CPU:1 or GPU:0,GPU:1 "
                f"(found {wrong!r})",
            )
            for wrong in (
                0,
                -1,
                100,
                1.5,
                True,
                "two",
                "TPU:0",
                "CPU",
                "CPU:0,",
                "CPU:0,CPU:0",
                "CPU:0,GPU:0",
                "CPU:-1",
            )
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(key, value, line):
    with pytest.raises(UserError) as error:
        override(Config(), {key: value})
    assert str(error.value) == line


@pytest.mark.parametrize(
    ("text", "assignment"),
    [
        ("a.b=3", ("a.b", 3)),
        ("a=true", ("a", True)),
        ("a=lstm", ("a", "lstm")),
        ('a="3"', ("a", "3")),
        ("a=x=y", ("a", "x=y")),
        ("a=", ("a", "")),
    ],
)
def test_values_are_json_or_else_strings(text, assignment):
    assert parse_assignment(text) == assignment


@pytest.mark.parametrize("text", ["", "a", "=3", "="])
def test_what_is_no_assignment_is_refused(text):
    with pytest.raises(UserError) as error:
        parse_assignment(text)
    assert str(error.value) == f"--set {text!r}: expected key=value, such as training.epochs=3"


@pytest.mark.parametrize(
    ("devices", "names"),
    [("", []), (2, ["CPU:0", "CPU:1"]), ("12", [f"CPU:{n}" for n in range(12)]), ("gpu:1, gpu:0", ["GPU:1", "GPU:0"])],
)
def test_devices_are_a_number_or_names(devices, names):
    config = override(Config(), {"training.devices": devices, "training.strategy": "mirrored"})
    assert config.training.named_devices() == names
    assert Config.model_validate_json(config.model_dump_json()) == config
