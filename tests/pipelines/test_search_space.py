"""What `--set` of a sweep means, and what it refuses."""

import pytest

from pipelines.search_space import Range, check, parse
from rnn_tasks.errors import UserError


def test_values_vary_and_single_ones_are_fixed():
    space = parse(["training.epochs=2,3", "model.quality=0.5", 'data.source=["a,b", "c"]'], by_grid=True)
    assert space.fixed == {"model.quality": 0.5}
    assert space.choices == {"training.epochs": (2, 3), "data.source": ("a,b", "c")}
    assert list(space.grid()) == [
        {"data.source": source, "training.epochs": epochs} for source in ("a,b", "c") for epochs in (2, 3)
    ]


@pytest.mark.parametrize("written", ['data.source="a,b"', 'data.source=["a,b"]'])
def test_a_single_value_with_a_comma_is_fixed(written):
    assert parse([written, "training.epochs=2,3"], by_grid=True).fixed == {"data.source": "a,b"}


def test_ranges_are_of_whole_numbers_where_the_setting_is(dummy):
    space = parse(
        ["training.epochs=1..4", "model.quality=0..1", "training.learning_rate=1e-4..1e-2 log"], by_grid=False
    )
    space, _ = check(space, dummy.presets["quick"])
    assert space.ranges == {
        "training.epochs": Range(1, 4),
        "model.quality": Range(0.0, 1.0),
        "training.learning_rate": Range(1e-4, 1e-2, log=True),
    }
    assert [type(bound) for bound in (space.ranges["training.epochs"].low, space.ranges["model.quality"].low)] == [
        int,
        float,
    ]


@pytest.mark.parametrize(
    ("assignments", "by_grid", "line"),
    [
        (["training.epochs=3"], True, "nothing varies"),
        (["training.epochs=2,2"], True, "all different"),
        (["training.epochs=[2]"], True, "nothing varies"),
        (["training.epochs=[]"], True, "one or more values"),
        (["training.epochs=1.5..4"], False, "accepted are whole numbers"),
        (["data.source=1..4"], False, "a range is for numbers"),
        (["training.epochs=2,3", "training.epochs=4,5"], True, "training.epochs is set twice"),
        (["training.epochs=1..4"], True, "a range is for --optuna N"),
        (["training.epochs=4..1"], False, "bounds of which the first is smaller"),
        (["model.quality=0..1 log"], False, "and above 0"),
        (["model.quality=0.5.5..1"], False, "the bounds of a range are numbers"),
        (["training.epochs=2,0"], True, r"training\.epochs: .* \(found 0\)"),
        (["model.quality=0.5..2"], False, r"model\.quality: .* \(found 2\.0\)"),
        (["training.epochs=2..4", "model.quality=0.5,7"], False, r"model\.quality: .* \(found 7\)"),
        (["training.epoch=2,3"], True, r"did you mean 'training\.epochs'"),
        (["seed=1,2"], True, "accepted is --seeds N"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_tried_is_one_line(assignments, by_grid, line, dummy):
    with pytest.raises(UserError, match=line) as error:
        check(parse(assignments, by_grid), dummy.presets["quick"])
    assert "\n" not in str(error.value)


def test_a_grid_that_nobody_can_wait_for_is_one_line(dummy):
    values = ",".join(map(str, range(1, 102)))
    space = parse([f"training.epochs={values}", f"training.max_steps={values}"], by_grid=True)
    with pytest.raises(UserError, match="10,201 combinations; accepted are up to 10,000, or --optuna N"):
        check(space, dummy.presets["quick"])
