"""What a client's JSON has to look like before MLflow reads it.

MLflow takes 7 or null for a string, ignores columns and options that it does not know, and repeats in its errors what
it was sent. Here a client hears of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from rnn_tasks.errors import UserError

FORMS = ("inputs", "instances", "dataframe_split", "dataframe_records")
PARAMS = "params"
JSON_TYPES = {
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def checked(body: bytes, kind: str, options: Collection[str]) -> dict[str, Any]:
    """A request's body as MLflow takes it.

    Args:
        kind: "a string" or "a number": what records are, or consist of.
        options: names that `params` may have.

    Raises:
        UserError: it is nothing that MLflow would read as its sender meant it.
    """
    try:
        found = json.loads(body)
    except RecursionError:
        raise UserError("not JSON (nested too deeply)") from None
    except ValueError as error:  # also of bytes that are not UTF-8, and of numbers with thousands of digits
        raise UserError(f"not JSON ({error})") from None
    if not isinstance(found, dict):
        raise UserError(f"found {JSON_TYPES[type(found)]}; accepted is an object with one of {', '.join(FORMS)}")
    forms = [key for key in found if key != PARAMS]
    if len(forms) != 1 or forms[0] not in FORMS:
        keys = ", ".join(map(repr, forms)) or "none"
        raise UserError(f"keys: found {keys}; accepted is exactly one of {', '.join(FORMS)}, beside it {PARAMS}")
    _check_params(found.get(PARAMS), options)
    _check_records(forms[0], found[forms[0]], kind)
    return found


def _check_params(params: Any, options: Collection[str]) -> None:
    if params is None:
        return
    if not isinstance(params, dict):
        raise UserError(f"{PARAMS}: found {JSON_TYPES[type(params)]}; accepted is an object of options")
    for name in params:
        if name not in options:
            raise UserError(f"{PARAMS}: unknown option {name!r}; accepted are {', '.join(options) or 'none'}")


def _check_records(form: str, value: Any, kind: str) -> None:
    if form == "dataframe_split":
        if not isinstance(value, dict) or not isinstance(value.get("data"), list):
            raise UserError(f"{form}: accepted is an object with 'columns' and 'data', a list of rows")
        _check_width(form, [value.get("columns"), *value["data"]])
        value = value["data"]
    elif not isinstance(value, list | dict):
        raise UserError(f"{form}: found {JSON_TYPES[type(value)]}; accepted is a list of records")
    elif isinstance(value, dict):
        _check_width(form, [value])
    else:
        # A list among inputs is a record where that consists of numbers, and else a row with one in it.
        _check_width(form, [row for row in value if kind == "a string" or isinstance(row, dict)])
    number = 0
    for number, leaf in enumerate(_leaves(value), 1):
        if (found := JSON_TYPES[type(leaf)]) != kind:
            raise UserError(f"{form}: value {number} is {found}; accepted is {kind}")
    if not number:
        raise UserError(f"{form}: no records; accepted is at least one")


def _check_width(form: str, rows: Iterable[Any]) -> None:
    for row in rows:
        if isinstance(row, list | dict) and len(row) != 1:
            raise UserError(f"{form}: found {len(row)} columns; accepted is one, in which the records stand")


def _leaves(value: Any) -> Iterator[Any]:
    """What stands in lists and objects, in order; they may be nested deeper than Python calls go."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | dict):
            waiting += reversed(value if isinstance(value, list) else [*value.values()])
        else:
            yield value
