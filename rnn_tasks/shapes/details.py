"""What a task adds to the report of its shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks.dataset import Examples
from rnn_tasks.task import Metric, Trained

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Judged:
    """The test split and what became of it.

    Attributes:
        train: the training split, for baselines.
        test: the test split.
        example: (answers,) the example that each answer belongs to; with an answer a step, an example has several.
        targets: (answers, …) what was right.
        answers: by name, (answers, …).
        decisions: (answers, …) what is compared with `targets`.
        model: the trained model, for further questions to it.
        trained: how it was trained.
    """

    train: Examples
    test: Examples
    example: np.ndarray
    targets: np.ndarray
    answers: Mapping[str, np.ndarray]
    decisions: np.ndarray
    model: keras.Model
    trained: Trained


@dataclass(frozen=True)
class Details:
    """What a task adds to the report of its shape.

    Attributes:
        groups: name -> (answers,) the group of each answer; a table and a bar chart each.
        metrics_of: the grouping, if any, in which each group gets its own metric.
        baselines: name -> (answers, …) decisions of a further trivial method. The first one stands beside the groups.
        examples_an_epoch: their number, if it is not the size of the training split; else 0.
        from_the_end: with an answer a step, samples of long sequences show the last steps instead of the first.
        metrics, tables, figures: further ones. A table is its rows, the header first.
    """

    groups: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    metrics_of: str = ""
    baselines: Mapping[str, np.ndarray] = field(default_factory=dict)
    examples_an_epoch: int = 0
    from_the_end: bool = False
    metrics: Sequence[Metric] = ()
    tables: Mapping[str, Sequence[Sequence[Any]]] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
