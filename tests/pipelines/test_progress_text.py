"""What goes on in words: speeds and times by hand-made clocks."""

from __future__ import annotations

import itertools

import pytest
from rich.cells import cell_len

from pipelines.progress_text import Pace, Status, clock, seconds_left, status
from rnn_tasks.activity import Activity


def begun(what, total=None, done=0, at=0.0, **more):
    """An activity as if begun at a time."""
    made = Activity(what, total, done=done, **more)
    made.began = made.moved = at
    return made


def inside(*chain):
    for outer, inner in itertools.pairwise(chain):
        outer.inside = inner
    return chain[0]


def said(outermost, now=0.0, pace=None):
    return str(status(outermost, pace or Pace(), now))


def test_training_in_words():
    batch = begun("batch", 500, at=10.0, speed_unit="target tokens")
    run = inside(begun("run x"), begun("train"), begun("epoch", 10, done=2, at=10.0), batch)
    pace = Pace()
    assert said(run, 12.0, pace) == "train: epoch 3 of 10, batch 0 of 500, 0:02 so far"
    for now, done, amount in ((20.0, 100, 80_000.0), (30.0, 200, 160_000.0)):
        batch.done, batch.amount, batch.figures = done, amount, {"loss": 1.23456}
        text = said(run, now, pace)
    # From 20 s on, 100 batches in 10 s: 300 more of this epoch take 30 s, seven more epochs 50 s each.
    assert text == "train: epoch 3 of 10, batch 200 of 500, loss 1.235, 8,000 target tokens/s, 6:20 left"


@pytest.mark.parametrize(
    ("chain", "text"),
    [
        ([begun("run x")], "run x, 0:05 so far"),
        ([begun("run x"), begun("importing TensorFlow")], "importing TensorFlow, 0:05 so far"),
        ([begun("run x"), begun("a"), begun("b"), begun("c")], "a: b, c, 0:05 so far"),
        ([begun("run x"), begun("batch", 9, note="compiling")], "batch 0 of 9, compiling for 0:05"),
        ([begun("run x"), begun("epoch", 3), begun("batch", 9, done=9)], "epoch 1 of 3: batch 9 of 9, 0:05 so far"),
        ([begun("run x"), begun("reading", done=1200, unit="pairs")], "reading 1,200 pairs, 0:05 so far"),
        ([begun("run x"), begun("reading", 1200, unit="pairs")], "reading 0 of 1,200 pairs, 0:05 so far"),
        (
            [begun("run x"), begun("downloading a.gz", 3_400_000, done=1_000, unit="bytes")],
            "downloading a.gz 1.0 kB of 3.4 MB, 0:05 so far",
        ),
        (
            [begun("run x"), begun("downloading a.gz", done=3_400_000, unit="bytes")],
            "downloading a.gz 3.4 MB, 0:05 so far",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind_of_activity_in_words(chain, text):
    assert said(inside(*chain), 5.0) == text


def test_speeds_are_of_the_last_half_minute_and_of_what_is_counted():
    reading = begun("reading", unit="bytes")
    run, pace = inside(begun("run"), reading), Pace()
    for second in range(100):
        reading.done = 1_000 * second if second <= 60 else 60_000 + 5_000 * (second - 60)
        text = said(run, float(second), pace)
    assert text == "reading 255.0 kB, 5.0 kB/s, 1:39 so far"
    translating = begun("translating", 100, unit="sentences")
    run.inside = translating
    for second in range(10):
        translating.done = 2 * second
        text = said(run, 100.0 + second, pace)
    assert text == "translating 18 of 100 sentences, 2.0 sentences/s, 0:41 left"


def test_what_holds_it_up_is_no_part_of_the_speed():
    batch = begun("batch", 100)
    run, pace = inside(begun("run"), batch), Pace()
    for now, done, note in (
        (0, 0, "compiling"),
        (50, 0, "compiling"),
        (51, 10, ""),
        (52, 20, ""),
        (90, 20, "compiling"),
    ):
        batch.done, batch.note = done, note
        text = said(run, float(now), pace)
    assert text == "batch 20 of 100, compiling for 1:30, 0:08 left"  # (20 - 0) in 2 s: 80 more in 8 s


def test_time_left_of_epochs():
    epoch, batch = begun("epoch", 4, at=0.0), begun("batch", 100, done=50, at=20.0)
    chain = [begun("run"), epoch, batch]
    # No epoch is done: this one by its batches, the others as long.
    assert seconds_left(chain, 10.0, now=25.0) == pytest.approx(5 + 3 * 10)
    assert seconds_left(chain, 0.0, now=25.0) is None
    # One is done, but the first epoch takes longer than the others: still by the batches.
    epoch.done, epoch.moved, epoch.last_seconds = 1, 100.0, 100.0
    assert seconds_left(chain, 10.0, now=105.0) == pytest.approx(5 + 2 * 10)
    # Two are done: this epoch will take as long as the last, validation included.
    epoch.done, epoch.moved, epoch.last_seconds = 2, 112.0, 12.0
    assert seconds_left(chain, 10.0, now=117.0) == pytest.approx(7 + 12)
    # It takes longer than the last one, and is known to.
    assert seconds_left(chain, 2.0, now=117.0) == pytest.approx(25 + 30)


def test_time_left_while_an_epoch_is_validated():
    epoch, translating = begun("epoch", 4, at=0.0), begun("translating", 100, done=50, at=30.0)
    chain = [begun("run"), epoch, begun("validating", at=30.0), translating]
    assert seconds_left(chain, 10.0, now=35.0) is None  # nobody knows yet how long an epoch takes
    epoch.done, epoch.moved, epoch.last_seconds = 1, 100.0, 100.0
    assert seconds_left(chain, 10.0, now=135.0) == pytest.approx(5 + 2 * 40)
    epoch.done, epoch.moved, epoch.last_seconds = 2, 140.0, 40.0
    assert seconds_left(chain, 10.0, now=175.0) == pytest.approx(5 + 40)
    assert seconds_left(chain[:3], 0.0, now=175.0) == pytest.approx(5 + 40)


def test_a_resumed_run_counts_what_it_has_done_itself():
    epoch, batch = begun("epoch", 10, done=8, at=0.0), begun("batch", 100, done=90, at=0.0)
    run, pace = inside(begun("run"), epoch, batch), Pace()
    for now, done in ((0.0, 90), (1.0, 91), (2.0, 95)):
        batch.done = done
        text = said(run, now, pace)
    assert text == "epoch 9 of 10: batch 95 of 100, 0:26 left"  # 4 batches a second: 1 s, and 25 s


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (61, "1:01"), (3599, "59:59"), (3661, "1:01:01"), (-3, "0:00")]
)
def test_clock(seconds, text):
    assert clock(seconds) == text


LONG = Status(("train", "epoch 3 of 10", "batch 200 of 500"), "3:20 left", "loss 1.235", "8,000 target tokens/s", 0.4)


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (90, "train: epoch 3 of 10, batch 200 of 500, loss 1.235, 8,000 target tokens/s, 3:20 left"),
        (70, "train: epoch 3 of 10, batch 200 of 500, loss 1.235, 3:20 left"),
        (50, "train: epoch 3 of 10, batch 200 of 500, 3:20 left"),
        (40, "train: epoch 3 of 10, batch 200 of 500"),
        (35, "epoch 3 of 10: batch 200 of 500"),
        (30, "batch 200 of 500, 3:20 left"),
        (16, "batch 200 of 500"),
        (10, "batch 2..."),
        (2, ".."),
    ],
)
def test_what_is_least_needed_is_left_out_of_a_narrow_line(width, text):
    assert LONG.within(width) == text


@pytest.mark.parametrize("width", range(1, 60))
def test_no_line_is_wider_than_its_terminal(width):
    for steps in (("évaluer 日本語.gz",), ("日本語", "downloading 日本語の言葉.gz 1 of 2"), ("a", "b", "c" * 30)):
        assert cell_len(Status(steps, "0:01 left", "loss 1", "3/s").within(width)) <= width
