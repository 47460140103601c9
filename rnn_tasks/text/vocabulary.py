"""The tokens a model knows, in order of their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rnn_tasks.errors import UserError
from rnn_tasks.files import write_whole

PAD, UNK, GO, EOS = 0, 1, 2, 3
SPECIAL_TOKENS = ("<pad>", "<unk>", "<go>", "<eos>")


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by id, the four special ones first.

    No text can turn into a special token: `<` and `>` are tokens of their own (`rnn_tasks.text.tokenizer`).

    Attributes:
        tokens: all distinct; `tokens[id]`.
        counts: number of occurrences of each token in the training split; 0 for the special ones.
    """

    tokens: tuple[str, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.tokens[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS:
            raise ValueError(f"a vocabulary begins with {' '.join(SPECIAL_TOKENS)}, found {self.tokens[:4]}")
        if len(self.tokens) != len(self.counts):
            raise ValueError(f"{len(self.tokens)} tokens, but {len(self.counts)} counts")
        if len(set(self.tokens)) != len(self.tokens):
            raise ValueError("a token stands twice")

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], size: int | None = None, min_count: int = 1) -> Vocabulary:
        """The most frequent tokens; equally frequent ones in the order of their code points.

        Args:
            counts: token -> how often it was seen.
            size: entries at most, special ones included; None takes all.
            min_count: rarer tokens are left out.
        """
        frequent = [(token, count) for token, count in counts.items() if count >= min_count]
        frequent.sort(key=lambda item: (-item[1], item[0]))
        if size is not None:
            frequent = frequent[: max(0, size - len(SPECIAL_TOKENS))]
        return cls.from_pairs(frequent)

    @classmethod
    def from_pairs(cls, pairs: list[tuple[str, int]]) -> Vocabulary:
        """The special tokens, then these (token, count) in their order."""
        pairs = [(token, 0) for token in SPECIAL_TOKENS] + pairs
        return cls(tokens=tuple(token for token, _ in pairs), counts=tuple(count for _, count in pairs))

    def save(self, path: Path) -> Path:
        """Write one line `token<TAB>count` for each token; its id is the line number minus one."""
        lines = (f"{token}\t{count}\n" for token, count in zip(self.tokens, self.counts, strict=True))
        return write_whole(path, "".join(lines))

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read a file from `save`.

        Raises:
            UserError: the file cannot be read, or a line has another form than in `save`.
        """
        try:
            lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: cannot be read as UTF-8 text ({error})") from None
        first_line: dict[str, int] = {}
        counts = []
        for number, line in enumerate(lines, start=1):
            token, tab, count = line.partition("\t")
            if not token or not tab or not (count.isascii() and count.isdigit()):
                raise UserError(f"{path}, line {number}: found {line!r}, expected token<TAB>count")
            if number <= len(SPECIAL_TOKENS) and token != SPECIAL_TOKENS[number - 1]:
                raise UserError(f"{path}, line {number}: found {token!r}, expected {SPECIAL_TOKENS[number - 1]!r}")
            if first_line.setdefault(token, number) != number:
                raise UserError(f"{path}, line {number}: {token!r} stands on line {first_line[token]} already")
            counts.append(int(count))
        if len(counts) < len(SPECIAL_TOKENS):
            raise UserError(f"{path}: {len(counts)} lines, expected at least the {len(SPECIAL_TOKENS)} special tokens")
        return cls(tokens=tuple(first_line), counts=tuple(counts))
