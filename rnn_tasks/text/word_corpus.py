"""Sentences of words, from any text: streamed, whatever the length of files and lines.

Sentences end at `.`, `!`, `?` and their likes before white space, at blank lines, or at every line end; words are
letters, digits and combining marks, with apostrophes (of one kind) and hyphens inside. Characters of scripts without
spaces are words of their own, as in `rnn_tasks.text.words`.
"""

from __future__ import annotations

import codecs
import functools
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import regex
from nltk.tokenize import RegexpTokenizer

from rnn_tasks import activity
from rnn_tasks.errors import UserError
from rnn_tasks.text.lines import BYTE_ORDER_MARKS, TextFile, open_bytes
from rnn_tasks.text.word_config import WordCorpusConfig
from rnn_tasks.text.word_form import WordForm

Sentence = list[str]

PIECE = 1 << 18
"""Bytes that are read and split into words at once."""
LONGEST_SENTENCE = 1000
"""Words, as in word2vec: some corpora are a single line without punctuation."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_LETTER = r"[^\W_]"
_SPACED_LETTER = rf"(?:(?![{_UNSPACED}])[^\W_])"
_WORDS = {
    "letters": "{letter}+(?:['’‐-]{letter}+)*",
    "punctuation": "{letter}+(?:['’‐-]{letter}+)*|(?:(?!{letter})[^\\s])",
    "spaces": r"\S+",
}
# These match only white space or nothing, so that no token with another character is a border.
_BORDERS = {
    "punctuation": r"(?<=[.!?…]|[.!?…][\"'”’»)\]])\s+|\n\s*\n|(?<=[。！？।])",
    "lines": r"\n",
}


def text_files(source: str) -> list[TextFile]:
    """The files of the text at a path: the file, or those in a directory and below it, by name.

    Hidden files, and notes such as README, are left out.

    Raises:
        UserError: no such path, not a regular file, or a directory without text files.
    """
    path = Path(os.path.expanduser(source))
    try:
        if path.is_file():
            return [TextFile(path)]
        if path.is_dir():
            inside = (file for file in sorted(path.rglob("*")) if file.is_file())
            files = [
                file
                for file in map(TextFile, inside)
                if not file.is_note and not any(part.startswith(".") for part in file.path.relative_to(path).parts)
            ]
            if not files:
                raise UserError(f"data.source: {path} has no file of text; accepted are UTF-8 texts, plain or .gz")
            return files
        found = "is no regular file, and it is read more than once" if path.exists() else "does not exist"
    except OSError as error:
        raise UserError(f"data.source: {source[:200]} cannot be read ({error.strerror})") from None
    raise UserError(f"data.source: {path} {found}; accepted is embedded, a text, plain or .gz, or a directory of texts")


def file_sentences(files: list[TextFile], config: WordCorpusConfig) -> Iterator[Sentence]:
    """The sentences of files, one after the other; no sentence continues from one file into the next.

    Raises:
        UserError: unreadable or corrupt file, another encoding; names file and line.
    """
    for file in activity.each("file", files, len(files)):
        yield from text_sentences(_pieces(file), config)


def text_sentences(pieces: Iterable[str], config: WordCorpusConfig) -> Iterator[Sentence]:
    """The sentences of a text that comes in pieces, cut anywhere. Longer ones than `LONGEST_SENTENCE` are cut."""
    form = WordForm.of(config)
    sentence: Sentence = []
    for text in _between_words(pieces):
        spelled = form.text(text)
        for token in _tokenizer(config, spelled).tokenize(spelled):
            is_word = token and not token.isspace()
            if is_word:
                sentence.append(token)
            if sentence and (not is_word or len(sentence) == LONGEST_SENTENCE):
                yield sentence
                sentence = []
    if sentence:
        yield sentence


def _between_words(pieces: Iterable[str]) -> Iterator[str]:
    """The same text, cut only before words (unless a word is longer than a piece); white space stays after its word."""
    rest = ""
    for piece in pieces:
        text = rest + piece
        end = len(text.rstrip())
        start = 1 + max(text.rfind(space, 0, end) for space in " \n\t")
        cut = len(text) if start == 0 and len(text) > PIECE else start
        yield text[:cut]
        rest = text[cut:]
    yield rest


def _tokenizer(config: WordCorpusConfig, text: str) -> RegexpTokenizer:
    unspaced = config.words != "spaces" and not text.isascii() and bool(regex.search(f"[{_UNSPACED}]", text))
    return _pattern(config.words, config.sentences, unspaced)


@functools.cache
def _pattern(words: str, sentences: str, unspaced: bool) -> RegexpTokenizer:
    """nltk's tokenizer for a kind of words and of sentences; it finds the borders of sentences, too."""
    word = _WORDS[words].replace("{letter}", _SPACED_LETTER if unspaced else _LETTER)
    single = rf"[{_UNSPACED}]\p{{M}}*|" if unspaced else ""
    return RegexpTokenizer(f"{_BORDERS[sentences]}|{single}{word}")


def _pieces(file: TextFile) -> Iterator[str]:
    """A file's text, decoded, line ends as `\\n`, in pieces that do not end within a character."""
    line = 1
    with open_bytes(file) as content:
        head = content.peek(4)[:4]
        encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if head.startswith(mark)), "utf-8")
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
        last = False
        while not last:
            data = content.read(PIECE)
            last = not data
            try:
                text = decoder.decode(data, final=last)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding, errors="ignore")
                where = f"{file}, line {line + before.count(chr(10))}"
                found = f"byte 0x{error.object[error.start]:02x}"
                raise UserError(
                    f"{where}: invalid {encoding.upper()} ({found}); accepted is UTF-8 text, or UTF-16 or UTF-32 with "
                    "a byte order mark"
                ) from None
            if "\0" in text:
                where = f"{file}, line {line + text[: text.index(chr(0))].count(chr(10))}"
                raise UserError(f"{where}: found a NUL character; accepted is text, plain or .gz")
            line += text.count("\n")
            yield text.replace("\ufeff", "")
