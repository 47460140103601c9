"""What comes at once shares a call of the model, and nobody notices but by the time it takes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pipelines import batcher
from pipelines.batcher import Batcher
from rnn_tasks.config import Section
from rnn_tasks.records import Line


class Options(Section):
    times: int = 1


class Model:
    """Answers `record!`; its first call takes until `go_on` is set. It remembers what each call was given."""

    def __init__(self):
        self.calls, self.busy, self.go_on = [], threading.Event(), threading.Event()

    def __call__(self, records, options):
        self.calls.append((records, options.times))
        if not self.busy.is_set():
            self.busy.set()
            assert self.go_on.wait(60)
        if "bad" in records:
            raise ValueError(f"bad among {len(records)}")
        return [f"{record}!" for record in records for _ in range(options.times)]


@pytest.fixture
def asked_at_once(monkeypatch):
    """Asks for all while a first call goes on: asked_at_once([(records, options), …]) -> (their futures, the calls)."""
    monkeypatch.setattr(batcher, "GATHER_SECONDS", 0.0)

    def ask(requests):
        model = Model()
        with Batcher(model) as asked, ThreadPoolExecutor(len(requests) + 1) as pool:
            first = pool.submit(asked.ask, ["first"], Options())
            model.busy.wait()
            futures = []
            for number, request in enumerate(requests, 1):
                futures.append(pool.submit(asked.ask, *request))
                while len(asked._waiting) < number:
                    pass
            model.go_on.set()
        assert first.result() == ["first!"]
        return futures, model.calls[1:]

    return ask


def test_what_waits_is_answered_in_one_call_and_each_gets_its_own(asked_at_once):
    futures, calls = asked_at_once([(["a"], Options()), (["b", "c"], Options()), ([], Options()), (["d"], Options())])
    assert [future.result() for future in futures] == [["a!"], ["b!", "c!"], [], ["d!"]]
    assert calls == [(["a", "b", "c", "d"], 1)]


def test_other_options_are_another_call_and_none_is_overtaken_by_its_own_kind(asked_at_once):
    futures, calls = asked_at_once([(["a"], Options()), (["b"], Options(times=2)), (["c"], Options())])
    assert [future.result() for future in futures] == [["a!"], ["b!", "b!"], ["c!"]]
    assert calls == [(["a", "c"], 1), (["b"], 2)]


def test_who_fails_fails_alone(asked_at_once):
    futures, calls = asked_at_once([(["a"], Options()), (["bad"], Options()), (["c"], Options())])
    assert str(futures[1].exception()) == "bad among 1"
    assert [futures[0].result(), futures[2].result()] == [["a!"], ["c!"]]
    assert [records for records, _ in calls] == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]


def test_several_answers_a_record_are_not_mixed_up_and_not_tried_together_again(asked_at_once, monkeypatch):
    monkeypatch.setattr(batcher, "RECORDS", 2)
    twice = Options(times=2)
    futures, calls = asked_at_once([([letter], twice) for letter in "abcd"])
    assert [future.result() for future in futures] == [[f"{letter}!"] * 2 for letter in "abcd"]
    assert [records for records, _ in calls] == [["a", "b"], ["a"], ["b"], ["c"], ["d"]]


def test_a_call_takes_so_many_records_and_so_many_characters(asked_at_once, monkeypatch):
    monkeypatch.setattr(batcher, "RECORDS", 3)
    futures, calls = asked_at_once([(["a", "b"], Options()), (["c", "d"], Options()), (["g"], Options())])
    assert [future.result() for future in futures] == [["a!", "b!"], ["c!", "d!"], ["g!"]]
    assert [records for records, _ in calls] == [["a", "b", "g"], ["c", "d"]]
    monkeypatch.setattr(batcher, "CHARACTERS", 4)
    _, calls = asked_at_once([(["aaa"], Options()), (["bb"], Options()), (["c"], Options()), (["ddddd"], Options())])
    assert [records for records, _ in calls] == [["aaa", "c"], ["bb"], ["ddddd"]]


def test_others_come_between_the_blocks_of_a_long_request(asked_at_once, monkeypatch):
    monkeypatch.setattr(batcher, "BLOCK", 2)
    futures, calls = asked_at_once([(list("abcde"), Options(times=2)), (["x"], Options())])
    assert [future.result() for future in futures] == [[f"{letter}!" for letter in "aabbccddee"], ["x!"]]
    assert [records for records, _ in calls] == [["a", "b"], ["x"], ["c", "d"], ["e"]]


def test_a_long_record_is_a_block_of_its_own(monkeypatch):
    monkeypatch.setattr(batcher, "CHARACTERS", 4)
    lines = [Line(text, "") for text in ("ab", "ab", "a", "abcdef", "", "abcd")]
    assert [len(block) for block in batcher._blocks(lines)] == [2, 1, 1, 2]
    assert [len(block) for block in batcher._blocks([np.zeros(3), np.zeros(1), np.zeros(1)])] == [2, 1]


def test_after_its_end_nothing_is_taken():
    with Batcher(lambda records, options: records) as asked:
        assert asked.ask(["a"], Options()) == ["a"]
    with pytest.raises(RuntimeError, match="closed"):
        asked.ask(["a"], Options())
