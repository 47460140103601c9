"""The data settings of tasks on text."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator, model_validator

from rnn_tasks.config import Section
from rnn_tasks.text.levels import Level

LANGUAGE = r"^[a-z]{2,3}([_-][A-Za-z0-9]{2,8})*$"  # fr, fra, pt_BR, zho_Hans


class PairsConfig(Section):
    """How pairs of strings become token ids."""

    lowercase: bool = Field(
        False, description="Lower-case both sides; scores are still against the test files as they are."
    )
    normalize_target: bool = Field(
        False,
        description="One spelling of quotes, spaces and Moses' entities for the target as for the source. If not, its "
        "typography is learned and written as the training data has it, as scores want it.",
    )
    level: Level = Field(
        "word",
        description="Tokens are whole words (in Chinese, Japanese, Thai, … characters), word pieces learned from the "
        "training split, or characters.",
    )
    segmented: bool = Field(
        False, description="Chinese, Japanese, Thai, … text comes with spaces between its words, which are the words."
    )
    vocabulary_size: int = Field(
        8_000, ge=50, le=1_000_000, description="Vocabulary entries a side at most, special ones included."
    )
    shared_vocabulary: bool = Field(False, description="One vocabulary for both sides.")
    min_count: int = Field(
        1, ge=1, le=1_000_000, description="Words seen fewer times in the training split become <unk>."
    )
    max_tokens: int = Field(
        60, ge=2, le=10_000, description="Training pairs with a longer side are left out; other splits keep theirs."
    )
    reverse_source: bool = Field(True, description="The encoder reads the source from its last token to its first.")
    remove_duplicates: bool = Field(True, description="Leave out repeated training pairs.")
    vectors: str = Field(
        "",
        description="Word vectors that the source's begin as: a file (.txt, .vec, .bin, .npz), or the id of a run of "
        "embeddings. They are as long as model.embedding_dim.",
    )
    target_vectors: str = Field("", description="The same for the target.")


class ParallelDataConfig(PairsConfig):
    """The sentence pairs to read, and how they become token ids."""

    source: str = Field(
        "embedded",
        min_length=1,
        description="embedded (generated English-French), multi30k or tatoeba (downloaded), or a path: a directory or "
        ".zip of train/val/test files a language, or of one pair of files; a table (.tsv, .txt, .csv); a .tmx.",
    )
    source_language: str = Field(
        "en",
        pattern=LANGUAGE,
        description="Translate from: the files' ending in a directory, the first column of a table.",
    )
    target_language: str = Field(
        "fr",
        pattern=LANGUAGE,
        description="Translate into: the files' ending in a directory, the second column of a table.",
    )
    source_column: str = Field(
        "",
        coerce_numbers_to_str=True,
        description="Of a table, the column of the source: its number, from 1, or its name in the header. "
        "Empty: found in the header, or where Anki and tatoeba.org have it.",
    )
    target_column: str = Field("", coerce_numbers_to_str=True, description="Of a table, the column of the target.")
    embedded_pairs: int = Field(
        60_000, ge=100, le=1_000_000, description="Training pairs of the embedded corpus; other sources ignore it."
    )
    seed: int = Field(
        1,
        ge=0,
        lt=2**31,
        description="Draws embedded pairs and a single file's splits; not the run's seed, so that runs share data.",
    )
    validation_fraction: float = Field(
        0.02, gt=0, le=0.4, description="Share of a single file's source sentences that validate; a directory's do not."
    )
    test_fraction: float = Field(
        0.02, gt=0, le=0.4, description="Share of a single file's source sentences that test; a directory's do not."
    )

    @field_validator("target_language")
    @classmethod
    def _languages_differ(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("source_language"):
            raise ValueError("must differ from source_language")
        return value


class StreamConfig(Section):
    """The running text to read, and how it becomes token ids."""

    source: str = Field(
        "embedded",
        min_length=1,
        description="embedded (generated), or a path: a text file, plain or .gz; a directory or .zip of train, valid "
        "and test files (ptb.train.txt, …), or of any text files, each a document.",
    )
    level: Level = Field(
        "character",
        description="Tokens are characters, whole words (in Chinese, Japanese, Thai, … characters), or word pieces "
        "learned from the training part. A line's end is a token, too.",
    )
    tokenized: bool = Field(
        False, description="Words are what stands between spaces, <unk> among them, as the Penn Treebank has them."
    )
    lowercase: bool = Field(False, description="Lower-case the text.")
    vocabulary_size: int = Field(
        10_000, ge=50, le=1_000_000, description="Vocabulary entries at most, special ones included."
    )
    min_count: int = Field(
        1, ge=1, le=1_000_000, description="Tokens seen fewer times in the training part become <unk>."
    )
    validation_fraction: float = Field(
        0.05,
        gt=0,
        le=0.4,
        description="Share of the text that validates, behind the training part; a valid file's not.",
    )
    test_fraction: float = Field(
        0.1, gt=0, le=0.4, description="Share of the text that tests, the last part of it; a test file's not."
    )
    embedded_documents: int = Field(
        800, ge=10, le=1_000_000, description="Training documents of the embedded text; other sources ignore it."
    )
    vectors: str = Field(
        "",
        description="Word vectors that the tokens' begin as: a file (.txt, .vec, .bin, .npz), or the id of a run of "
        "embeddings. They are as long as model.embedding_dim.",
    )
    seed: int = Field(1, ge=0, lt=2**31, description="Draws the embedded text; not the run's seed.")

    @model_validator(mode="after")
    def _tokenized_words(self):
        if self.tokenized and self.level != "word":
            raise ValueError(f"tokenized is for level=word; found tokenized=true and level={self.level}")
        return self
