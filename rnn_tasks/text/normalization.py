"""The spelling of strings before they are cut into words: one spelling for all, or the original typography.

A uniform spelling is best for the text that a model reads. The text that it writes is compared with a user's file, so
there it must learn the typography. Only TensorFlow ops are used: preparation and SavedModels run the same code.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as tf_text

# `&amp;` comes last, so that its result is not unescaped a second time.
MOSES_ENTITIES = {
    "&#124;": "|",
    "&#91;": "[",
    "&#93;": "]",
    "&lt;": "<",
    "&gt;": ">",
    "&apos;": "'",
    "&quot;": '"',
    "&amp;": "&",
}

OTHER_SPACES = "\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000"
"""The spaces kept apart from the plain one: no-break, en, em, figure, thin, hair, narrow no-break and ideographic."""

_SPELLINGS = (
    (r"[\s\v\x{85}\p{Z}]+", " "),  # no-break, narrow, ideographic and other spaces
    (r"[\p{Cc}\x{AD}\x{200B}\x{2060}\x{FEFF}]", ""),  # controls, soft hyphen, zero-width space, byte order mark
    (r"[‘’]", "'"),
    (r"[“”]", '"'),
)
_LINE = (
    (r"[\s\v\x{1C}-\x{1F}\x{85}\p{Zl}\p{Zp}]+", " "),  # what ends a line or a table's cell somewhere
    (r"[\x{1680}\x{2000}\x{2001}\x{2004}-\x{2006}\x{2008}\x{205F}]", " "),  # spaces that nobody types
    (r"\p{Cc}", ""),
    (r"^\p{Z}+|\p{Z}+$", ""),
)


def normalize(strings: tf.Tensor, lowercase: bool = False) -> tf.Tensor:
    """Strings in one spelling: NFC, plain spaces and quotes, Moses' entities unescaped, no control characters.

    Args:
        strings: UTF-8, any shape; bytes that are not UTF-8 become U+FFFD.
        lowercase: also lower-case.

    Returns:
        Strings of the same shape, without leading, trailing or doubled spaces.
    """
    strings = _replace(_decoded(strings), _SPELLINGS)
    for entity, character in MOSES_ENTITIES.items():
        strings = tf.strings.regex_replace(strings, entity, character)
    if lowercase:
        strings = tf.strings.lower(strings, encoding="utf-8")
    # This comes last: characters that were apart may compose now. Removing a control can also join two spaces.
    strings = tf.strings.regex_replace(tf_text.normalize_utf8(strings, "NFC"), " +", " ")
    return tf.strings.strip(strings)


def as_written(strings: tf.Tensor, lowercase: bool = False) -> tf.Tensor:
    """Strings with all of their typography; only characters that cannot be inside a line are removed.

    Args:
        strings: as in `normalize`.
        lowercase: also lower-case.

    Returns:
        Strings of the same shape, without control characters and line ends of any kind, without white space around
        them, with one plain space where several stood together, and with no spaces but these and `OTHER_SPACES`.
    """
    strings = _replace(_decoded(strings), _LINE)
    if lowercase:
        strings = tf.strings.lower(strings, encoding="utf-8")
    return tf.strings.regex_replace(strings, " +", " ")


def _decoded(strings: tf.Tensor) -> tf.Tensor:
    return tf.strings.unicode_transcode(strings, "UTF-8", "UTF-8", errors="replace")


def _replace(strings: tf.Tensor, replacements: tuple[tuple[str, str], ...]) -> tf.Tensor:
    for pattern, replacement in replacements:
        strings = tf.strings.regex_replace(strings, pattern, replacement)
    return strings
