"""What is being done is seen from outside, by whoever watches, and by nobody else."""

from __future__ import annotations

import contextlib
import threading

import pytest

from rnn_tasks import activity


def words(outermost):
    return [each.what for each in outermost.chain()]


def test_who_watches_sees_what_goes_on_inside():
    with activity.watched("run") as run:
        assert words(run) == ["run"]
        with activity.doing("train"), activity.doing("epoch", 3):
            assert words(run) == ["run", "train", "epoch"]
        assert words(run) == ["run"]
        with pytest.raises(ZeroDivisionError), activity.doing("evaluate"):
            raise ZeroDivisionError
        assert words(run) == ["run"]


def test_nobody_watches_by_default():
    with activity.doing("train") as train, activity.doing("epoch"):
        activity.tell(3.0, loss=0.5)
        activity.note("compiling")
        assert list(activity.each("batch", "ab")) == ["a", "b"]
        assert (words(train), train.amount, train.note) == (["train"], 0.0, "")


def test_items_are_counted_when_they_are_done():
    with activity.watched("run") as run:
        seen = []
        for number in activity.each("batch", iter([7, 8, 9]), done=2, speed_unit="tokens"):
            activity.note("compiling")
            activity.tell(10.0, loss=0.5 * number)
            batch = run.chain()[-1]
            seen.append((batch.done, batch.total, batch.amount, batch.note, dict(batch.figures)))
        assert seen == [
            (2, 3, 10.0, "compiling", {"loss": 3.5}),
            (3, 3, 20.0, "compiling", {"loss": 4.0}),
            (4, 3, 30.0, "compiling", {"loss": 4.5}),
        ]
        assert (batch.done, batch.done_before, batch.note, batch.ended) == (5, 2, "", True)
        assert batch.moved >= batch.began
        assert words(run) == ["run"]


def test_the_total_is_what_the_items_know_or_the_caller_says():
    with activity.watched("run") as run:
        totals = [
            run.chain()[-1].total
            for items, total in (([1], None), ((x for x in [1]), None), ((x for x in [1]), 4))
            for _ in activity.each("item", items, total)
        ]
    assert totals == [1, None, 4]


def test_a_loop_that_is_left_early_is_over():
    with activity.watched("run") as run:
        for _ in activity.each("batch", range(9)):
            break
        assert words(run) == ["run"]
        with contextlib.suppress(KeyError):
            for _ in activity.each("batch", range(9)):
                raise KeyError
        assert words(run) == ["run"]


def test_generators_that_end_in_another_order_than_they_began_leave_nothing_behind():
    with activity.watched("run") as run:
        first, second = activity.each("first", range(2)), activity.each("second", range(3))
        for _ in zip(first, second, strict=False):
            assert words(run) == ["run", "first", "second"]
        next(activity.each("third", range(2)), None)
        second.close()
        with activity.doing("fourth"):
            assert words(run) == ["run", "fourth"]
    with activity.doing("unseen"):
        assert words(run) == ["run"]


def test_who_watches_within_is_watched_too():
    with activity.watched("command") as command, activity.watched("flow") as flow, activity.doing("train"):
        assert words(command) == ["command", "flow", "train"]
        assert words(flow) == ["flow", "train"]


def test_a_watcher_in_another_thread_sees_it_and_its_own_doings_are_its_own():
    seen = []
    with activity.watched("run") as run, activity.doing("train"):

        def watch():
            with activity.doing("showing"):
                seen.extend(words(run))

        thread = threading.Thread(target=watch)
        thread.start()
        thread.join()
    assert seen == ["run", "train"]
