"""Batches made ahead are the same batches, and the thread that makes them ends."""

import itertools
import threading

import pytest

from rnn_tasks.training.prefetch import prefetched


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_the_same_items_in_the_same_order(ahead):
    assert list(prefetched(range(20), ahead)) == list(range(20))
    assert list(prefetched([], ahead)) == []
    assert not threads()


def test_items_are_made_ahead_and_no_further():
    made, wanted = [], threading.Event()

    def source():
        for number in itertools.count():
            made.append(number)
            if number == 3:
                wanted.set()
            yield number

    items = prefetched(source(), ahead=2)
    assert next(items) == 0
    assert wanted.wait(10)  # one is out, two wait, and the fourth is ready to be put
    assert made == [0, 1, 2, 3]
    items.close()
    assert not threads()


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_error_comes_where_its_item_would_have(ahead):
    def source():
        yield 1
        raise KeyError("two")

    items = prefetched(source(), ahead)
    assert next(items) == 1
    with pytest.raises(KeyError, match="two"):
        next(items)
    assert not threads()


def test_a_consumer_that_stops_early_leaves_no_thread():
    for item in prefetched(itertools.count(), ahead=2):
        if item == 5:
            break
    assert not threads()
