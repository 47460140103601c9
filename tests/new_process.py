"""A function of a test in a process of its own, where TensorFlow is imported but has not yet done anything.

There logical devices can be made and a SIGKILL received. The processes are forked from one that has done nothing but
import, so that each costs half a second instead of eight.
"""

from __future__ import annotations

import gc
import importlib.util
import inspect
import multiprocessing
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tensorflow", "keras", "sklearn.manifold", "matplotlib.figure"])


class Died(Exception):
    """The process ended without an answer; the exit code is minus the signal's number."""


def in_new_process(function: Callable, *arguments: Any) -> Any:
    """`function(*arguments)`; the function stands at the top of a test module, the arguments can be pickled.

    Raises:
        Died: the process was killed.
        AssertionError: the function raised; the message is its traceback.
    """
    ours, theirs = _forks.Pipe(duplex=False)
    process = _forks.Process(target=_answer, args=(theirs, inspect.getfile(function), function.__name__, arguments))
    process.start()
    theirs.close()
    try:
        result, failure = ours.recv()
    except EOFError:
        process.join()
        raise Died(process.exitcode) from None
    finally:
        process.kill()
    assert failure is None, failure
    return result


def _answer(connection: Connection, path: str, name: str, arguments: tuple) -> None:
    gc.freeze()  # what has been imported, as in conftest
    try:
        spec = importlib.util.spec_from_file_location("test_module", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules["test_module"] = module
        spec.loader.exec_module(module)
        connection.send((getattr(module, name)(*arguments), None))
    except BaseException:
        connection.send((None, traceback.format_exc()))
