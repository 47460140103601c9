"""Sentence pairs out of TMX, the exchange format of translation memories.

References:
    TMX 1.4b, https://www.gala-global.org/tmx-14b (elements `tu`, `tuv`, `seg`; inline markup in section "Content").
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from rnn_tasks.errors import UserError
from rnn_tasks.text.languages import language_code
from rnn_tasks.text.lines import Pair, TextFile, open_bytes

TMX_ENDINGS = (".tmx", ".tmx.gz")
_LANGUAGE = ("{http://www.w3.org/XML/1998/namespace}lang", "lang")
_EMPHASIS = "hi"  # the only inline element with text; the others hold codes of other formats


def tmx_pairs(file: TextFile, source_language: str, target_language: str) -> Iterator[Pair]:
    """The pairs of a TMX file that has both languages, in memory that does not grow with it.

    Raises:
        UserError: unreadable or no TMX (names the line), or no pair in these languages (names those it has).
    """
    found: set[str] = set()
    pairs = 0
    with open_bytes(file) as content:
        try:
            for unit in _units(content):
                variants = [(_language(variant), variant) for variant in unit.iter("tuv")]
                found.update(language for language, _ in variants)
                pair = [
                    next((variant.find("seg") for language, variant in variants if _is(language, wanted)), None)
                    for wanted in (source_language, target_language)
                ]
                if pair[0] is not None and pair[1] is not None:
                    pairs += 1
                    yield _text(pair[0]), _text(pair[1])
        except ET.ParseError as error:
            raise UserError(f"{file}: no TMX ({error}); accepted is well-formed XML") from None
    if not pairs:
        languages = ", ".join(sorted(found)) or "no language"
        raise UserError(
            f"data.source_language, data.target_language: found {source_language}-{target_language}; "
            f"{file} has {languages}"
        )


def _units(content) -> Iterator[ET.Element]:
    body = None
    for event, element in ET.iterparse(content, events=("start", "end")):
        if event == "start" and element.tag == "body":
            body = element
        elif event == "end" and element.tag == "tu":
            yield element
            if body is not None:
                body.clear()  # what was read


def _language(variant: ET.Element) -> str:
    return next((variant.attrib[name] for name in _LANGUAGE if name in variant.attrib), "")


def _is(language: str, wanted: str) -> bool:
    """Whether a variant is in a wanted language; if no region is wanted, every region is accepted."""
    regions = [re.split(r"[-_]", name.casefold())[1:] for name in (language, wanted)]
    return language_code(language) == language_code(wanted) and regions[1] in ([], regions[0])


def _text(segment: ET.Element) -> str:
    return re.sub(r"[ \t\r]*\n[ \t\r]*", " ", "".join(_parts(segment))).strip(" ")


def _parts(element: ET.Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag == _EMPHASIS:
            yield from _parts(child)
        yield child.tail or ""
