"""The native kernels are compiled once, whoever asks for them at the same time."""

from __future__ import annotations

import os
import shutil

import pytest

# In place of TensorFlow, whose import takes seconds, stands the little of it that the build uses.
BUILDS = """
import sys, types
tensorflow = types.ModuleType("tensorflow")
tensorflow.__version__ = "2"
tensorflow.errors = types.SimpleNamespace(OpError=RuntimeError)
tensorflow.sysconfig = types.SimpleNamespace(get_compile_flags=list, get_link_flags=list)
tensorflow.load_op_library = str
sys.modules["tensorflow"] = tensorflow
from rnn_tasks import activity
from rnn_tasks.layers.kernels.build import library
begun, going_on = [], activity._going_on
activity._going_on = lambda this: begun.append(this.what) or going_on(this)
with activity.watched("test"):
    found = library()
print(found.reason, found.ops == str(found.path), found.bfloat16)
print(*(what for what in begun if what.startswith("building")))
"""

COMPILER = """#!/bin/sh
if [ "$1" = --version ]; then echo "a compiler 1.0"; exit; fi
echo compiled >> {log}
sleep 1
while [ "$1" != -o ]; do shift; done
exec g++ -shared -fPIC -o "$2" {source}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_of_three_processes_one_compiles(at_once, tmp_path):
    log, source, compiler = (tmp_path / name for name in ("log", "source.cc", "compiler"))
    source.write_text('extern "C" bool rnn_tasks_has_bfloat16() { return true; }')
    compiler.write_text(COMPILER.format(log=log, source=source))
    compiler.chmod(0o755)
    environment = {**os.environ, "CXX": str(compiler), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    found, named = zip(*(said.split("\n", 1) for said in at_once(BUILDS, env=environment)), strict=True)
    assert found == ("None True True",) * 3
    assert sorted(named) == ["\n", "\n", "building the native kernels, once for this machine\n"]
    assert log.read_text() == "compiled\n"
    assert [path.suffix for path in (tmp_path / "cache" / "rnn_tasks").iterdir()] == [".so"]
