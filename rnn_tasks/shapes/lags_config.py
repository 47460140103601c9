"""The config of the task on long lags."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from rnn_tasks.config import Section, TaskConfig
from rnn_tasks.shapes.config import RecurrentConfig, SequenceTrainingConfig
from rnn_tasks.synthetic.long_lags import Name, Problem

LENGTH = "T of the papers: least steps of a sequence; of copy, steps from what is read to its answer."
MARKED = "Bits whose parity is asked; 2 is the exclusive or."
SHORTEST, LONGEST = 10, 100_000
STEPS = 2**25
"""Of all sequences that are drawn at once, a split's or a batch's, at most: drawing so many takes up to 0.8 GB."""


class LagsOptions(Section):
    """Which sequences `generate` draws."""

    problem: Name = Field("adding", description="Which problem.")
    length: int = Field(100, ge=SHORTEST, le=LONGEST, description=LENGTH)
    marked: int = Field(2, ge=1, le=1_000, description=MARKED)
    count: int = Field(10, ge=1, le=100_000_000, description="How many.")
    seed: int = Field(1, ge=0, lt=2**31, description="The same seed draws the same sequences.")

    @model_validator(mode="after")
    def _room_for_marks(self):
        _check_marks(self.problem, self.length, self.marked)
        return self


class LagsConfig(Section):
    """Which problem is to be learned, at which lag."""

    source: Name = Field("adding", description="Which problem.")
    length: int = Field(100, ge=SHORTEST, le=LONGEST, description=LENGTH)
    marked: int = Field(2, ge=1, le=1_000, description=MARKED)
    val_sequences: int = Field(2_560, ge=2, le=1_000_000, description="Validation sequences.")
    test_sequences: int = Field(2_560, ge=2, le=1_000_000, description="Test sequences.")
    seed: int = Field(1, ge=0, lt=2**31, description="Draws the validation and test sequences, always the same.")

    @model_validator(mode="after")
    def _room_for_marks(self):
        _check_marks(self.source, self.length, self.marked)
        return self


def _check_marks(problem: str, length: int, marked: int) -> None:
    if problem == "parity" and marked > length // 2 - 1:
        raise ValueError(
            f"marked: found {marked}; accepted is 1 to {length // 2 - 1}, fewer than half of length={length}"
        )


class MemoryTrainingConfig(SequenceTrainingConfig):
    """How the model is trained: on sequences that are drawn for each update and never come again."""

    batch_size: int = Field(8, ge=1, le=65_536, description="Sequences an update.")
    epoch_sequences: int = Field(
        1_024, ge=1, le=10_000_000, description="Sequences between two validations, in whole batches."
    )
    until_solved: bool = Field(True, description="Stop when validation holds the problem to be solved.")


class BesideConfig(Section):
    """What else is trained in the same run, on as many sequences, to stand beside the model in tables and figures."""

    cells: Literal["none", "all"] = Field("none", description="all: every other cell.")
    lengths: tuple[int, ...] = Field(
        (), description="Other lengths, rising: each cell is trained at each, until it fails at one."
    )

    @model_validator(mode="after")
    def _rising(self):
        outside = any(not SHORTEST <= length <= LONGEST for length in self.lengths)
        if list(self.lengths) != sorted({*self.lengths}) or outside:
            accepted = f"accepted are rising numbers from {SHORTEST} to {LONGEST:,}"
            raise ValueError(f"lengths: found {list(self.lengths)}; {accepted}")
        return self


class MemoryConfig(TaskConfig):
    """Everything a run of this task depends on."""

    data: LagsConfig = LagsConfig()
    model: RecurrentConfig = RecurrentConfig()
    training: MemoryTrainingConfig = MemoryTrainingConfig()
    beside: BesideConfig = BesideConfig()

    @model_validator(mode="after")
    def _longer_beside(self):
        shortest = min(self.beside.lengths, default=self.data.length + 1)
        if shortest <= self.data.length:
            raise ValueError(f"beside.lengths: found {shortest}; accepted is more than data.length={self.data.length}")
        return self

    @model_validator(mode="after")
    def _memory_is_bounded(self):
        drawn = {
            "data.val_sequences": self.data.val_sequences,
            "data.test_sequences": self.data.test_sequences,
            "training.batch_size": self.training.batch_size,
        }
        steps = Problem(self.data.source, max((self.data.length, *self.beside.lengths))).longest
        for key, count in drawn.items():
            if count * steps > STEPS:
                accepted = f"accepted are {STEPS // steps} of this length, {STEPS:,} steps together"
                raise ValueError(f"{key}: found {count} sequences of up to {steps} steps; {accepted}")
        return self
