"""What tests of several packages share."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def at_once():
    """Runs a Python program in three processes at once: at_once(program, *arguments) -> their standard outputs."""

    def run(program: str, *arguments: object, **options: object) -> list[str]:
        def one(number: int) -> str:
            command = [sys.executable, "-c", program, *map(str, arguments), str(number)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
            assert done.returncode == 0, done.stderr
            return done.stdout

        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(one, range(3)))

    return run
