"""A config's JSON schema for forms such as Prefect's: the fields in a useful order, each with its bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FIRST = ("source", "data", "model", "training")
LAST = ("evaluation", "seed", "competes")


def arrange(schema: dict[str, Any]) -> None:
    """Number the fields, and add the bounds of their values in words; for pydantic's `json_schema_extra`."""
    fields = schema.get("properties", {})
    between = [name for name in fields if name not in FIRST + LAST]
    for position, name in enumerate(name for name in (*FIRST, *between, *LAST) if name in fields):
        fields[name]["position"] = position
        description = re.sub(
            r"<\w+>", r"`\g<0>`", fields[name].get("description", "")
        )  # a form would take it for an HTML tag and show nothing
        if told := " ".join(filter(None, [description, _bounds(fields[name])])):
            fields[name]["description"] = told


def _bounds(field: Mapping[str, Any]) -> str:
    """`(at least 1, at most 100)`, `(above 0)`; empty if every value of the type is accepted."""
    for kind in field.get("anyOf", [field]):
        words = {
            "at least": kind.get("minimum"),
            "above": kind.get("exclusiveMinimum"),
            "at most": kind.get("maximum"),
            "below": kind.get("exclusiveMaximum"),
            "a multiple of": kind.get("multipleOf"),
        }
        told = [f"{word} {value}" for word, value in words.items() if value is not None]
        if told:
            return f"({', '.join(told)})"
    return ""
