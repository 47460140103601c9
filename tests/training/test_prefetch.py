"""Items made in the background are the same, in the same order; errors and early ends arrive."""

import threading

import pytest

from rnn_tasks.training.prefetch import prefetched


def running():
    return [thread for thread in threading.enumerate() if thread.name == "prefetching"]


def test_the_same_items_in_the_same_order():
    with prefetched(iter(range(1000)), ahead=3) as ready:
        assert list(ready) == list(range(1000))
    assert not running()


@pytest.mark.timeout(60)
def test_no_more_than_those_ahead_are_made():
    made, go_on = [], threading.Semaphore(0)

    def items():
        for number in range(10):
            made.append(number)
            go_on.release()
            yield number

    with prefetched(items(), ahead=2) as ready:
        for _ in range(3):  # two wait, and the thread holds a third
            go_on.acquire()
        assert not go_on.acquire(timeout=0.3)
        assert next(ready) == 0
        go_on.acquire()
        assert made == [0, 1, 2, 3]
    assert not running()


def test_an_error_comes_where_the_item_would():
    def items():
        yield 1
        raise KeyError("lost")

    with prefetched(items()) as ready:
        assert next(ready) == 1
        with pytest.raises(KeyError, match="lost"):
            next(ready)


@pytest.mark.timeout(60)
def test_whoever_stops_early_leaves_no_thread():
    with pytest.raises(ZeroDivisionError), prefetched(iter(int, 1)) as ready:  # endless zeros
        1 / next(ready)
    assert not running()
