"""Config sections that every task shares, and functions that apply a user's choices to a preset.

Every field has a description, bounds and a default that works. Unknown keys are errors.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from rnn_tasks import form
from rnn_tasks.errors import UserError


class Section(BaseModel):
    """A frozen group of settings."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        allow_inf_nan=False,
        json_schema_extra=form.arrange,
    )


_COUNT = "[1-9][0-9]?"
_DEVICE = "(CPU|GPU):(0|[1-9][0-9]?)"


class TrainingConfig(Section):
    """Settings for the training of any task's model."""

    epochs: int = Field(10, ge=1, le=100_000, description="Passes over the training split at most.")
    max_steps: int = Field(0, ge=0, description="Stop after this many updates; 0 is no limit.")
    limit_batches: int = Field(
        0,
        ge=0,
        description="Train on the first N batches alone, over and over (1: overfit it, to debug); 0 is all. A model "
        "that saw so little never becomes champion.",
    )
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd", "adagrad"] = Field("adam", description="Keras' own.")
    momentum: float = Field(0.0, ge=0, lt=1, description="Of sgd.")
    weight_decay: float | None = Field(
        None,
        ge=0,
        le=1,
        examples=[0.1],
        description="Of adamw; times the rate, it shrinks every weight. Empty is Keras' 0.004.",
    )
    learning_rate: float = Field(1e-3, gt=0, le=100, description="Peak learning rate.")
    warmup_steps: int = Field(0, ge=0, description="Updates over which the rate climbs linearly from 0.")
    decay: Literal["none", "plateau", "cosine", "linear", "exponential"] = Field(
        "none",
        description="plateau: halve when validation stalls; cosine: to 1 % of the peak over all epochs; linear: to "
        "0.01 %; exponential: times decay_factor in each epoch behind the first decay_after.",
    )
    decay_after: int = Field(0, ge=0, description="Epochs before the rate of decay=exponential falls.")
    decay_factor: float = Field(0.5, gt=0, le=1, description="What decay=exponential leaves of the rate each epoch.")
    plateau_patience: int = Field(2, ge=1, description="Epochs without improvement before plateau halves the rate.")
    clip_norm: float = Field(5.0, ge=0, description="Global gradient norm is clipped to this; 0 is off.")
    weight_average: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Moving average of the weights, which is validated and kept: how much of it stays at an update; "
        "0 is none.",
    )
    early_stopping_patience: int = Field(
        0, ge=0, description="Stop after this many epochs without improvement on validation; 0 is off."
    )
    checkpoint_minutes: float = Field(
        5.0, gt=0, description="Minutes between checkpoints; one is also made each epoch."
    )
    strategy: Literal["none", "mirrored"] = Field(
        "none", description="mirrored: each batch is split over the devices (tf.distribute.MirroredStrategy)."
    )
    devices: str = Field(
        "",
        examples=["2"],
        description="The devices of mirrored: GPU:0,GPU:1, or how many logical CPU devices; empty is all GPUs, or "
        "the CPU.",
    )
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "float32", description="Keras dtype policy; mixed precision keeps variables in float32."
    )
    jit_compile: bool = Field(False, description="Compile the training step with XLA, once a batch shape.")
    system_metrics: bool = Field(
        False,
        description="MLflow records CPU, memory, disk, network and GPU every 10 s, under system/ (NVIDIA's with the "
        "package nvidia-ml-py).",
    )

    @field_validator("devices", mode="before")
    @classmethod
    def _device_names(cls, value: Any) -> str:
        text = "".join(str(value).upper().split())
        names = text.split(",")
        alike = len(set(names)) == len(names) and len({name[:3] for name in names}) == 1
        if text and not (re.fullmatch(_COUNT, text) or (alike and all(re.fullmatch(_DEVICE, name) for name in names))):
            raise ValueError(
                "accepted is a number of logical CPU devices, 1 to 99, or different devices of one kind with commas "
                "between them, such as CPU:0,CPU:1 or GPU:0,GPU:1"
            )
        return text

    @model_validator(mode="after")
    def _options_of_other_optimizers(self):
        for name, owner in (("momentum", "sgd"), ("weight_decay", "adamw")):
            if getattr(self, name) and self.optimizer != owner:
                raise ValueError(
                    f"{name} is for optimizer={owner}; found {name}={getattr(self, name)} and optimizer="
                    f"{self.optimizer}"
                )
        return self

    @model_validator(mode="after")
    def _devices_are_for_mirrored(self):
        if self.devices and self.strategy == "none":
            raise ValueError(f"devices are for strategy=mirrored; found devices={self.devices} and strategy=none")
        return self

    def named_devices(self) -> list[str]:
        """The `devices` as a list, such as CPU:0; empty if the machine decides."""
        if self.devices.isdigit():
            return [f"CPU:{number}" for number in range(int(self.devices))]
        return self.devices.split(",") if self.devices else []


class TaskConfig(Section):
    """The common part of all tasks' configs; each task adds its own `data` and `model` sections.

    If a task has a section `evaluation`, it decides how figures are measured. Runs that differ in it are not compared.
    """

    seed: int = Field(1, ge=0, lt=2**31, description="Seeds data order, initial weights and dropout.")
    competes: bool = Field(
        True, description="The model may become champion. False in trials: their models answer by their run's id alone."
    )
    training: TrainingConfig = TrainingConfig()

    @property
    def is_trial(self) -> bool:
        """Whether the run is for tests or debugging: its model is kept, but never becomes champion."""
        return not self.competes or self.training.limit_batches > 0


ConfigType = TypeVar("ConfigType", bound=Section)


def parse_assignment(text: str) -> tuple[str, Any]:
    """`key=value` -> (key, value); the value is read as JSON if it is JSON, else as a string."""
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise UserError(f"--set {text!r}: expected key=value, such as training.epochs=3")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def override(config: ConfigType, changes: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> ConfigType:
    """`config` with dotted keys replaced: `override(config, {"training.epochs": 3})`.

    Raises:
        UserError: an unknown key (the nearest known one is named) or a value out of bounds.
    """
    values = config.model_dump()
    known = list(dotted_keys(type(config)))
    for key, value in dict(changes).items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UserError(f"unknown config key {key!r}{hint} (all keys: rnn-tasks describe TASK)")
        section = values
        *parents, leaf = key.split(".")
        for name in parents:
            section = section[name]
        section[leaf] = value
    return validate(type(config), values)


def presets(
    quick: ConfigType, full: Mapping[str, Any], tiny: Mapping[str, Any], **others: Mapping[str, Any]
) -> dict[str, ConfigType]:
    """Presets by name: `quick`, and presets that change dotted keys of it; `tiny` is a trial and never competes."""
    changes = {"full": full, "tiny": {"competes": False, **tiny}, **others}
    return {"quick": quick, **{name: override(quick, changed) for name, changed in changes.items()}}


def validate(config_type: type[ConfigType], values: Mapping[str, Any]) -> ConfigType:
    """`values` as a config; a violation becomes a UserError of one line that names the key."""
    try:
        return config_type.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or config_type.__name__
        message = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise UserError(message) from None
        # A rule for a whole section reports the section's content, which is too long to read.
        of_section = first["type"] == "value_error" and isinstance(first["input"], Mapping)
        raise UserError(f"{key}: {message}" if of_section else f"{key}: {message} (found {first['input']!r})") from None


def dotted_keys(config_type: type[BaseModel], prefix: str = "") -> Iterable[str]:
    """Every settable key of a config type: `seed`, `training.epochs`, …"""
    for name, field in config_type.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from dotted_keys(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name
