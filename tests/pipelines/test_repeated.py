"""Something done again and again beside a block."""

import contextvars
import threading

from pipelines.repeated import repeated

WHERE = contextvars.ContextVar("WHERE", default="nowhere")


def test_it_is_called_beside_the_block_in_its_context_and_no_more_behind_it():
    seen, thrice = [], threading.Event()

    def call():
        seen.append((WHERE.get(), threading.current_thread().name))
        if len(seen) == 3:
            thrice.set()

    WHERE.set("here")
    with repeated(call, 0.001, "test of it"):
        assert thrice.wait(60)
    count = len(seen)
    assert set(seen) == {("here", "test of it")}
    assert not [thread for thread in threading.enumerate() if thread.name == "test of it"]
    assert len(seen) == count


def test_an_error_in_the_block_ends_it_too():
    try:
        with repeated(lambda: None, 0.001, "test of errors"):
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "test of errors"]
