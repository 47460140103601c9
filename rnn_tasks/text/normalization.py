"""One spelling for what reads the same: Unicode, spaces, quotes, entities.

TensorFlow ops only, so that the code that prepares a corpus is the code that a SavedModel runs on a user's strings.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as tf_text

JOINER = "￭"
"""Marks where a token touched its neighbour (`rnn_tasks.text.tokenizer`); U+FFED, as in OpenNMT's tokeniser."""

# `&amp;` comes last, so that what it uncovers is not unescaped a second time.
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

_SPELLINGS = (
    (r"[\s\v\x{85}\p{Z}]+", " "),  # no-break, narrow, ideographic and other spaces
    (r"[\p{Cc}\x{AD}\x{200B}\x{2060}\x{FEFF}]", ""),  # controls, soft hyphen, zero-width space, byte order mark
    (r"[‘’]", "'"),
    (r"[“”]", '"'),
    (JOINER, "■"),  # the joiner is ours alone
)


def normalize(strings: tf.Tensor, lowercase: bool = False) -> tf.Tensor:
    """Strings in one spelling: NFC, plain spaces and quotes, Moses' entities unescaped, no control characters.

    Args:
        strings: UTF-8, any shape; bytes that are no UTF-8 become U+FFFD.
        lowercase: also lower-case.

    Returns:
        Strings of the same shape, without leading, trailing or doubled spaces and without `JOINER`.
    """
    strings = tf.strings.unicode_transcode(strings, "UTF-8", "UTF-8", errors="replace")
    for pattern, replacement in _SPELLINGS:
        strings = tf.strings.regex_replace(strings, pattern, replacement)
    for entity, character in MOSES_ENTITIES.items():
        strings = tf.strings.regex_replace(strings, entity, character)
    if lowercase:
        strings = tf.strings.lower(strings, encoding="utf-8")
    # Last, for what stood apart may compose now. Removing a control can also bring two spaces together.
    strings = tf.strings.regex_replace(tf_text.normalize_utf8(strings, "NFC"), " +", " ")
    return tf.strings.strip(strings)
