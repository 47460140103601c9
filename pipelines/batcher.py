"""Requests that come at once are answered by one call of the model."""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Self

from rnn_tasks.config import Section

GATHER_SECONDS = 0.005  # short beside a call of most models
RECORDS = 128  # in one call at most
BLOCK = 64  # records of one request in one call
CHARACTERS = 20_000  # in one call, or so many numbers; a single record may have more
REMEMBERED = 16

Answer = Callable[[list[Any], Any], Iterable[str]]


@dataclass(eq=False)
class _Request:
    records: Sequence[Any]
    options: Section
    answers: Future[list[str]] = field(default_factory=Future)

    @functools.cached_property
    def size(self) -> int:
        """Characters, or numbers."""
        return sum(map(_size, self.records))


class Batcher:
    """One thread that calls the model with what has come in while it was busy.

    Requests of differing options never share a call. A long request is asked block by block, so that others come in
    between. If a shared call fails, its requests are asked again one by one, so that none gets the error of another.
    The same is done if records get more than one answer each, which depends on the options alone.

    Args:
        answer: (records, options) -> at least one answer a record, in order.
    """

    def __init__(self, answer: Answer):
        self.answer = answer
        self._waiting: deque[_Request] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._apart: deque[Section] = deque(maxlen=REMEMBERED)  # options that give several answers a record
        self._thread = threading.Thread(target=self._work, name="batcher", daemon=True)
        self._thread.start()

    def ask(self, records: Sequence[Any], options: Section) -> list[str]:
        """Wait for the answers of one request; raises what the model raises for it."""
        return [answer for block in _blocks(records) for answer in self._ask(block, options)]

    def _ask(self, records: Sequence[Any], options: Section) -> list[str]:
        request = _Request(records, options)
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            self._waiting.append(request)
            self._changed.notify()
        return request.answers.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Answer the requests that wait, then end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        last = 1
        while batch := self._gathered(last):
            last = len(batch)
            self._answer(batch)

    def _gathered(self, expected: int) -> list[_Request]:
        """Requests for one call; waits a moment for as many as last time. Empty at the end.

        So a client that is alone never waits, and clients that were answered together are answered together again.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._changed.wait_for(lambda: len(self._waiting) >= expected or self._closed, GATHER_SECONDS)
            batch: list[_Request] = []
            left: deque[_Request] = deque()
            count = size = 0
            for request in self._waiting:
                fits = not batch or (
                    request.options == batch[0].options
                    and count + len(request.records) <= RECORDS
                    and size + request.size <= CHARACTERS
                )
                (batch if fits else left).append(request)
                if fits:
                    count, size = count + len(request.records), size + request.size
            self._waiting = left
        return batch

    def _answer(self, batch: Sequence[_Request]) -> None:
        if len(batch) == 1 or not self._answered_together(batch):
            for request in batch:
                try:
                    request.answers.set_result(list(self.answer(list(request.records), request.options)))
                except BaseException as error:  # the client has to get it, and this thread has to go on
                    request.answers.set_exception(error)

    def _answered_together(self, batch: Sequence[_Request]) -> bool:
        options = batch[0].options
        if options in self._apart:
            return False
        records = [record for request in batch for record in request.records]
        try:
            answers = list(self.answer(records, options))
        except Exception:  # one request may be the cause: asked alone, it gets the error
            return False
        if len(answers) != len(records):
            self._apart.append(options)
            return False
        start = 0
        for request in batch:
            request.answers.set_result(answers[start : start + len(request.records)])
            start += len(request.records)
        return True


def _blocks(records: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Split records, in order, into blocks that one request may have in a call; at least one block."""
    start = size = 0
    for number, record in enumerate(records):
        if number > start and (number - start == BLOCK or size + _size(record) > CHARACTERS):
            yield records[start:number]
            start, size = number, 0
        size += _size(record)
    yield records[start:]


def _size(record: Any) -> int:
    text = getattr(record, "text", record)
    return len(text) if isinstance(text, str) else getattr(text, "size", 1)
