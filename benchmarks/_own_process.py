"""Programs that take each measurement in a process of its own, where nothing that ran before stays in memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FLAG = "--measure"


def program(main: Callable[[list[str]], None], measure: Callable[..., dict[str, Any]]) -> None:
    """Run `main` with the program's arguments; or, in a process that `measured` began, `measure` with its own."""
    if sys.argv[1:2] == [FLAG]:
        print(json.dumps({**measure(*sys.argv[2:]), "megabytes": _peak_megabytes()}))
    else:
        main(sys.argv[1:])


def measured(*arguments: object) -> dict[str, Any]:
    """What this program's `measure` finds in a new process, and its peak resident memory as `megabytes` (of 2**20).

    Args:
        arguments: of `measure`, which gets them as strings.
    """
    command = [sys.executable, sys.argv[0], FLAG, *map(str, arguments)]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peak_megabytes() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says on Linux may be the peak of the process that began this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
