"""Imports that would make a command line slow, or tie the science to its orchestration."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rnn_tasks.registry import TASK_MODULES

HEAVY = ("tensorflow", "keras", "prefect", "mlflow", "sklearn", "matplotlib")


@pytest.mark.parametrize("name", TASK_MODULES)
def test_importing_a_task_loads_neither_tensorflow_nor_the_orchestration(name):
    program = f"import sys, {TASK_MODULES[name]}; print([m for m in {(*HEAVY, 'pipelines')!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
