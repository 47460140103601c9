"""Compiles the native kernels with the machine's own C++ compiler, once for each machine, compiler and source."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.locks import alone

SOURCES = Path(__file__).parent / "native"
FLAGS = ("-O3", "-std=c++17", "-ffp-contract=fast", "-fno-math-errno", "-pthread", "-shared", "-fPIC")


class Library(NamedTuple):
    """The native operations, or why there are none.

    Attributes:
        ops: module of the two operations; None if they are not available.
        reason: why they are not available; None if they are.
        path: of the compiled library.
        bfloat16: whether the processor multiplies bfloat16 and the compiler supports it.
    """

    ops: Any
    reason: str | None
    path: Path | None = None
    bfloat16: bool = False


@functools.cache
def library() -> Library:
    """Load the native operations; the first call on a machine compiles them, which takes some seconds."""
    compiler = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++")
    if compiler is None:
        return Library(None, "no C++ compiler is installed (looked for $CXX, g++, clang++)")
    path = _cache() / f"native-{_digest(compiler)}.so"
    if reason := _compile_once(compiler, path):
        return Library(None, reason)
    try:
        ops = tf.load_op_library(str(path))
    except (tf.errors.OpError, RuntimeError) as error:
        return Library(None, f"{path} does not load: {str(error).splitlines()[0][:200]}")
    has_bfloat16 = ctypes.CDLL(str(path)).rnn_tasks_has_bfloat16
    has_bfloat16.restype = ctypes.c_bool
    return Library(ops, None, path, has_bfloat16())


def _compile_once(compiler: str, path: Path) -> str | None:
    """Compile unless `path` exists, in one process while others wait; return the reason if it fails."""
    with contextlib.ExitStack() as lock:
        if not path.exists():
            with contextlib.suppress(OSError):  # without a lock several compile, which costs time and harms nothing
                lock.enter_context(alone(path.with_suffix(".lock"), "compiles the native kernels"))
        return None if path.exists() else _compile(compiler, path)


def _compile(compiler: str, path: Path) -> str | None:
    """Compile to `path`, whole or not at all; return the reason if it fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"there is no room for the compiled kernels: {error.strerror} at {error.filename}"
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        tensorflow = [*tf.sysconfig.get_compile_flags(), *tf.sysconfig.get_link_flags()]
        command = [compiler, *FLAGS, _processor_flag(), str(SOURCES / "ops.cc"), "-o", str(made), *tensorflow]
        with activity.doing("building the native kernels, once for this machine"):
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            complaint = next((line for line in done.stderr.splitlines() if "error" in line), f"exit {done.returncode}")
            return f"{Path(compiler).name} does not compile the native kernels: {complaint}"
        os.replace(made, path)
    return None


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rnn_tasks"


def _digest(compiler: str) -> str:
    """A digest of everything that makes one build differ from another."""
    version = subprocess.run(
        [compiler, "--version"], capture_output=True, text=True, errors="replace", check=False
    ).stdout
    parts = [version, tf.__version__, *FLAGS, _processor()]
    sources = sorted(source for source in SOURCES.iterdir() if source.suffix in {".cc", ".h"})
    parts += [source.read_text(encoding="utf-8") for source in sources]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _processor_flag() -> str:
    return "-march=native" if platform.machine() in {"x86_64", "AMD64"} else "-mcpu=native"


def _processor() -> str:
    """A description of the processor, on which `-march=native` depends: machines that share a cache may differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor() + platform.machine()
    return "".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name", "CPU part"))}))
