"""The versions that were seen to work together: what pyproject.toml asks for, and what requirements.lock holds."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ASKED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
LOCK = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().splitlines())


@pytest.mark.parametrize("asked", ASKED)
def test_the_lock_holds_what_is_asked_for(asked):
    requirement = Requirement(asked)
    assert requirement.specifier.contains(LOCK[requirement.name])


def test_the_lock_is_names_and_versions_alone():
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+", line)


def test_every_upper_bound_says_why():
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    bounded = [n for n, line in enumerate(lines) if re.match(r'\s+"[\w-]+[^"]*<\d', line)]
    assert len(bounded) >= 10
    # A bound without a comment of its own stands in the same block as one above it that speaks for it.
    told = "as for all below whose bound is the next major release"
    general = next(n for n, line in enumerate(lines) if told in line)
    for number in bounded:
        major = re.search(r'<\d+"', lines[number])
        assert "#" in lines[number] or (major and number > general), lines[number]


def test_schedules_fire_only_with_an_sqlalchemy_that_prefect_works_with():
    """Prefect 3.8.8 admits 2.1, with which its scheduler fails; what is installed here must not be that."""
    assert metadata.version("sqlalchemy").startswith("2.0.")
    assert LOCK["sqlalchemy"].startswith("2.0.")
