"""The sacreBLEU tokeniser for sentences of a language, and a check that it is installed."""

from __future__ import annotations

import functools
import logging

from rnn_tasks.errors import UserError
from rnn_tasks.text.languages import language_code

logger = logging.getLogger(__name__)

OF_LANGUAGE = {"zh": "zh", "yue": "zh", "wuu": "zh", "lzh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}
OTHERS = "13a"
EXTRAS = {"ja-mecab": "sacrebleu[ja]", "ko-mecab": "sacrebleu[ko]"}  # what is not installed with sacreBLEU itself
# Their sentences have no spaces, and sacreBLEU has no tokeniser for them: 13a treats a phrase as a word.
WITHOUT_WORDS = ("th", "lo", "km", "my")


def bleu_tokenizer(choice: str, language: str) -> str:
    """The tokeniser for a config's choice and a target language; `auto` is sacreBLEU's own default.

    Args:
        choice: `evaluation.bleu_tokenizer`.
        language: of the references.
    """
    return OF_LANGUAGE.get(language_code(language), OTHERS) if choice == "auto" else choice


@functools.cache
def require_bleu_tokenizer(choice: str, language: str) -> None:
    """Check before any sentences are compared that the tokeniser works; warn if its scores would mean little.

    Raises:
        UserError: the tokeniser is not installed; the message says how to install it.
    """
    name = bleu_tokenizer(choice, language)
    if name == OTHERS and language_code(language) in WITHOUT_WORDS:
        logger.warning(
            "BLEU by %s takes a phrase of %r for one word; evaluation.bleu_tokenizer=char compares characters",
            name,
            language,
        )
    if name not in EXTRAS:
        return
    from sacrebleu.metrics import BLEU

    try:
        BLEU(tokenize=name)
    except (ImportError, RuntimeError, AssertionError) as error:
        found = "needs another dictionary" if isinstance(error, AssertionError) else "is not installed"
        raise UserError(
            f"evaluation.bleu_tokenizer: sacreBLEU's {name}, for {language!r}, {found}; "
            f"pip install '{EXTRAS[name]}', or set evaluation.bleu_tokenizer=char"
        ) from None
