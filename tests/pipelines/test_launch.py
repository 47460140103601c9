"""What the garbage collector need not search."""

import gc
import importlib

import pytest

from pipelines.launch import imported_for_good


def test_what_is_imported_is_not_searched_for_garbage_and_what_is_done_is(tmp_path, monkeypatch):
    (tmp_path / "imported_once.py").write_text("many = [[] for _ in range(1000)]")
    monkeypatch.syspath_prepend(tmp_path)
    counts = [gc.get_freeze_count()]
    for _ in range(2):  # the second time it is imported already
        with imported_for_good():
            assert not gc.isenabled()
            importlib.import_module("imported_once")
        assert gc.isenabled()
        counts.append(gc.get_freeze_count())
    assert counts[1] >= counts[0] + 1000
    assert counts[2] == counts[1]


def test_an_import_that_fails_leaves_the_collector_on():
    with pytest.raises(ModuleNotFoundError), imported_for_good():
        importlib.import_module("nowhere_to_be_found")
    assert gc.isenabled()
