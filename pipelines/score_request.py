"""What a client's JSON has to look like before MLflow reads it.

MLflow takes 7 or null for a string and an object for its text, ignores columns, keys and options that it does not know,
takes no integers for floats, and repeats in its errors what it was sent. Here a client is told what it got wrong. It
may write its records in several ways; MLflow gets them in one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from rnn_tasks.errors import UserError

FORMS = ("inputs", "instances", "dataframe_split", "dataframe_records")
PARAMS = "params"
TEXT, ROW, TABLE = "a string", "a list of numbers", "a list of lists of numbers"  # what a record may be
DEPTHS = {ROW: 1, TABLE: 2}
RECORDS = 1_024  # in a request
TEXT_CHARACTERS = 20_000  # in one string: a longer one takes minutes, and all others wait
CHARACTERS = 200_000  # in all strings of a request; or so many numbers
JSON_TYPES = {
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


class TooMuch(UserError):
    """A request is longer than is accepted."""


def checked(body: bytes, kind: str, column: str | None, options: Collection[str]) -> dict[str, Any]:
    """A request's body as MLflow takes it: `dataframe_split`, and `params` where they are given.

    Args:
        kind: `TEXT`, `ROW` or `TABLE`: what a record is.
        column: the signature's name for the column of records; None lets clients choose any name.
        options: names that `params` may have.

    Raises:
        UserError: MLflow would not read it as its sender meant it; `TooMuch` if it is too long.
    """
    found = _parsed(body)
    if not isinstance(found, dict):
        raise UserError(f"found {_type(found)}; accepted is an object with one of {', '.join(FORMS)}")
    forms = [key for key in found if key != PARAMS]
    if len(forms) != 1 or forms[0] not in FORMS:
        keys = ", ".join(map(repr, forms)) or "none"
        raise UserError(f"keys: found {keys}; accepted is exactly one of {', '.join(FORMS)}, beside it {PARAMS}")
    (form,) = forms
    _check_params(found.get(PARAMS), options)
    records = _records(form, found[form], kind, column)
    if not records:
        raise UserError(f"{form}: no records; accepted is at least one")
    if len(records) > RECORDS:
        raise TooMuch(f"{form}: {len(records)} records; accepted are up to {RECORDS} in a request")
    read = _texts(form, records) if kind == TEXT else _numbers(form, records, kind)
    columns = {"columns": [column or "records"], "data": [[record] for record in read]}
    return {"dataframe_split": columns} | ({PARAMS: found[PARAMS]} if found.get(PARAMS) else {})


def _parsed(body: bytes) -> Any:
    def each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            raise ValueError("a key stands twice in an object")
        return made

    try:
        found = json.loads(body.decode("utf-8-sig"), object_pairs_hook=each_once)
        if b"\\ud" in body.lower():  # half of a surrogate pair is no text
            json.dumps(found, ensure_ascii=False).encode()
        return found
    except RecursionError:
        raise UserError("not JSON (nested too deeply)") from None
    except ValueError as error:  # also for bytes that are not UTF-8, and for numbers with thousands of digits
        message = str(error).partition(" in position")[0] if isinstance(error, UnicodeEncodeError) else error
        raise UserError(f"not JSON ({message})") from None


def _check_params(params: Any, options: Collection[str]) -> None:
    if params is None:
        return
    if not isinstance(params, dict):
        raise UserError(f"{PARAMS}: found {_type(params)}; accepted is an object of options")
    for name in params:
        if name not in options:
            raise UserError(f"{PARAMS}: unknown option {name!r}; accepted are {', '.join(options) or 'none'}")


def _records(form: str, value: Any, kind: str, column: str | None) -> list[Any]:
    """The records in the one column, in whichever way they are written."""
    if form == "dataframe_split":
        if not isinstance(value, dict) or not isinstance(value.get("data"), list):
            raise UserError(f"{form}: accepted is an object with 'columns' and 'data', a list of rows")
        if extra := [key for key in value if key not in ("columns", "data", "index")]:
            raise UserError(f"{form}: unknown key {extra[0]!r}; accepted are columns, data, index")
        columns = value.get("columns")
        if not isinstance(columns, list):
            raise UserError(f"{form}: columns: found {_type(columns)}; accepted is a list with one name")
        _check_width(form, len(columns))
        _check_name(form, columns[0], column)
        return _cells(form, value["data"])
    if isinstance(value, dict) and form != "dataframe_records":
        _check_width(form, len(value))
        ((name, value),) = value.items()
        _check_name(form, name, column)
        if not isinstance(value, list):
            raise UserError(f"{form}, column {name!r}: found {_type(value)}; accepted is a list of records")
        return value
    if not isinstance(value, list):
        raise UserError(f"{form}: found {_type(value)}; accepted is a list of records")
    if value and (form == "dataframe_records" or isinstance(value[0], dict)):
        return _values(form, value, column)
    return _cells(form, value) if kind == TEXT and value and isinstance(value[0], list) else value


def _cells(form: str, rows: Sequence[Any]) -> list[Any]:
    """Rows, each a list with one record in it, as records."""
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list):
            raise UserError(f"{form}: row {number} is {_type(row)}; accepted is a list with one record in it")
        _check_width(form, len(row))
    return [row[0] for row in rows]


def _values(form: str, rows: Sequence[Any], column: str | None) -> list[Any]:
    """Objects, each with a record under the same key, as records."""
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise UserError(f"{form}: record {number} is {_type(row)}; accepted is an object with one record in it")
        _check_width(form, len(row))
        (name,), (first,) = row, rows[0]
        if name != first:
            raise UserError(f"{form}: record {number} has the key {name!r}; accepted is {first!r}, as in record 1")
        _check_name(form, name, column)
    return [record for row in rows for record in row.values()]


def _check_width(form: str, width: int) -> None:
    if width != 1:
        raise UserError(f"{form}: found {width} columns; accepted is one, in which the records stand")


def _check_name(form: str, name: Any, column: str | None) -> None:
    if column is not None and name != column:
        raise UserError(f"{form}: found the column {name!r}; accepted is {column!r}")


def _texts(form: str, records: list[Any]) -> list[str]:
    total = 0
    for number, record in enumerate(records, 1):
        if not isinstance(record, str):
            raise UserError(f"{form}: record {number} is {_type(record)}; accepted is {TEXT}")
        total += len(record)
        if len(record) > TEXT_CHARACTERS:
            raise TooMuch(
                f"{form}: record {number}: {len(record)} characters; accepted are up to {TEXT_CHARACTERS} "
                "(rnn-tasks predict takes any)"
            )
    if total > CHARACTERS:
        raise TooMuch(f"{form}: {total} characters; accepted are up to {CHARACTERS} in a request")
    return records


def _numbers(form: str, records: list[Any], kind: str) -> list[Any]:
    """Lists of numbers, all of them floats, as MLflow wants them."""
    count = 0

    def floats(value: Any, depth: int, number: int) -> Any:
        nonlocal count
        if depth:
            if not isinstance(value, list):
                raise UserError(f"{form}: record {number}: found {_type(value)}; accepted is {kind}")
            return [floats(item, depth - 1, number) for item in value]
        if JSON_TYPES[type(value)] != "a number":
            raise UserError(f"{form}: record {number}: found {_type(value)} for a number; accepted is {kind}")
        count += 1
        try:
            return float(value)
        except OverflowError:
            raise UserError(f"{form}: record {number}: a number is too large; accepted is a float64") from None

    read = [floats(record, DEPTHS[kind], number) for number, record in enumerate(records, 1)]
    if count > CHARACTERS:
        raise TooMuch(f"{form}: {count} numbers; accepted are up to {CHARACTERS} in a request")
    return read


def _type(value: Any) -> str:
    return JSON_TYPES[type(value)]
