"""Grammars as TOML: the package's own, and those that users write."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_tasks.errors import UserError
from rnn_tasks.grammar.automaton import Arc, Automaton


def read_grammar(path: Path) -> Automaton:
    """The grammar of a user's file: its last table. Tables before it may be embedded in it.

    Args:
        path: TOML; `data/reber.toml` shows and explains the format.

    Raises:
        UserError: what is wrong, with file and table.
    """
    automata = load_automata(path)
    return automata[list(automata)[-1]]


def load_automata(path: Path) -> dict[str, Automaton]:
    """The automata of a TOML file by name.

    Raises:
        UserError: what is wrong, with file and table.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no TOML ({error})") from None
    symbols = tables.pop("symbols", None)
    if not isinstance(symbols, str) or not symbols.isascii() or not symbols.isprintable() or " " in symbols:
        raise UserError(f'{path}: symbols: found {symbols!r}, accepted is the alphabet in one string, such as "BTSX"')
    if not tables:
        raise UserError(f"{path}: no table with an automaton, such as [mine]")
    for name, table in tables.items():
        _check_table(path, name, table)
    automata = {}
    for name, table in tables.items():
        try:
            automata[name] = Automaton(symbols, table["start"], table["end"], tuple(_flat_arcs(name, tables, ())))
        except ValueError as error:
            raise UserError(f"{path}: [{name}]: {error}") from None
    return automata


def _check_table(path: Path, name: str, table: Any) -> None:
    if not isinstance(table, Mapping):
        raise UserError(
            f'{path}: {name}: found {table!r}, accepted is symbols = "…" and tables with start, end and arcs'
        )
    if strange := table.keys() - {"start", "end", "arcs"}:
        raise UserError(f"{path}: [{name}]: unknown key {sorted(strange)[0]!r}, accepted is start, end and arcs")
    for key in ("start", "end"):
        if not _is_state(table.get(key)):
            raise UserError(f"{path}: [{name}]: {key}: found {table.get(key)!r}, accepted is the number of a state")
    arcs = table.get("arcs")
    if not isinstance(arcs, list) or not arcs:
        raise UserError(f"{path}: [{name}]: arcs: found {arcs!r}, accepted is a list of [from, symbol, to]")
    for number, arc in enumerate(arcs, start=1):
        whole = isinstance(arc, list) and len(arc) == 3 and isinstance(arc[1], str)
        if not whole or not _is_state(arc[0]) or not _is_state(arc[2]):
            raise UserError(
                f'{path}: [{name}]: arc {number}: found {arc!r}, accepted is [from, symbol, to], such as [0, "B", 1]'
            )


def _is_state(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000


def _flat_arcs(name: str, tables: Mapping[str, Any], around: tuple[str, ...]) -> list[Arc]:
    """The arcs of an automaton with each arc that names an automaton replaced by a copy of that automaton."""
    if name in around:
        raise ValueError(f"{' in '.join((name, *around[::-1]))}: an automaton cannot stand in itself")
    table = tables[name]
    arcs: list[Arc] = []
    unused = 1 + max(table["start"], table["end"], *(state for arc in table["arcs"] for state in (arc[0], arc[2])))
    for source, symbol, target in table["arcs"]:
        if symbol not in tables:
            arcs.append((source, symbol, target))
            continue
        inner = tables[symbol]
        renamed = {inner["start"]: source, inner["end"]: target}
        for state, inner_symbol, to in _flat_arcs(symbol, tables, (*around, name)):
            for old in (state, to):
                if old not in renamed:
                    renamed[old] = unused
                    unused += 1
            arcs.append((renamed[state], inner_symbol, renamed[to]))
    return arcs
