"""The scoring settings of translation tasks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rnn_tasks.config import Section

BleuTokenizer = Literal["auto", "13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"]


class TranslationScoringConfig(Section):
    """How translations are compared with references."""

    bleu_tokenizer: BleuTokenizer = Field(
        "auto",
        description="sacreBLEU's tokeniser. auto: zh, ja-mecab or ko-mecab when the target language is Chinese, "
        "Japanese or Korean, else 13a; none: words are what stands between spaces.",
    )
