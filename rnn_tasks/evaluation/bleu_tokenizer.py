"""Which of sacreBLEU's tokenisers compares sentences of a language, and whether it is there."""

from __future__ import annotations

import functools
import logging

from rnn_tasks.errors import UserError
from rnn_tasks.text.languages import language_code

logger = logging.getLogger(__name__)

OF_LANGUAGE = {"zh": "zh", "yue": "zh", "wuu": "zh", "lzh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}
OTHERS = "13a"
EXTRAS = {"ja-mecab": "sacrebleu[ja]", "ko-mecab": "sacrebleu[ko]"}  # what is not installed with sacreBLEU itself
# Their sentences have no spaces, and sacreBLEU no tokeniser for them: 13a takes a phrase for a word.
WITHOUT_WORDS = ("th", "lo", "km", "my")


def bleu_tokenizer(choice: str, language: str) -> str:
    """The tokeniser that a choice of the config means for a target language: sacreBLEU's own default for `auto`.

    Args:
        choice: `evaluation.bleu_tokenizer`.
        language: of the references.
    """
    return OF_LANGUAGE.get(language_code(language), OTHERS) if choice == "auto" else choice


@functools.cache
def require_bleu_tokenizer(choice: str, language: str) -> None:
    """Say now what would go wrong, or mean nothing, when the first sentences are compared.

    Raises:
        UserError: the tokeniser is not installed; says what installs it.
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
