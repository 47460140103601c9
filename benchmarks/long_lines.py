"""Memory of measuring and translating one long line among short ones: is there a bound?

    .venv/bin/python benchmarks/long_lines.py [tokens ...]

For each length (0: short lines alone; 800, 2,500 and 10,000 by default) a process of its own makes an untrained model
of the quick preset's sizes, measures the loss of 99 short pairs and one pair of so many tokens on either side, and
translates the sources; it prints its peak resident memory and seconds. A long line is measured alone, its target in
parts of so many steps that no tensor has more than 2**25 values, and translated to at most 256 tokens.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _own_process import measured, program

VOCABULARY, UNITS, EMBEDDING = 8_000, 256, 128


def measure(length: str) -> dict[str, Any]:
    """The loss, how many lines were translated, and the seconds of both."""
    from rnn_tasks import dataset, models, text, training
    from rnn_tasks import export as exporting

    rng, tokens = np.random.default_rng(0), int(length)
    lengths = [*rng.integers(4, 30, 99).tolist(), *([tokens] if tokens else [])]
    model = models.EncoderDecoder(VOCABULARY, VOCABULARY, units=UNITS, embedding_dim=EMBEDDING, attention="bahdanau")
    vocabulary = text.Vocabulary.from_counts({f"w{i}": 1 for i in range(VOCABULARY - 4)})
    tokenizer = text.Tokenizer(vocabulary)
    with tempfile.TemporaryDirectory() as directory:
        sides = []
        for side in ("source", "target"):
            with dataset.RaggedWriter(Path(directory) / side) as writer:
                for length in lengths:
                    writer.append(rng.integers(4, VOCABULARY, length))
            sides.append(dataset.RaggedArray(Path(directory) / side))
        started = time.monotonic()
        loss = training.evaluator(model, lambda model, batch, _: training.teacher_forced_loss(model, batch))(
            text.PairBatches(*sides, tokens_per_batch=768).ordered()
        )
        losing = time.monotonic() - started
        lines = [" ".join(vocabulary.tokens[i] for i in ids) for ids in sides[0]]
    translator = exporting.Translator(model, tokenizer, tokenizer, reverse_source=False, has_attention=True)
    started = time.monotonic()
    written = sum(1 for _ in exporting.translate_lines(translator.compiled(), lines, 4, 1.0))
    return {"loss": loss, "losing": losing, "written": written, "translating": time.monotonic() - started}


def main(lengths: list[str]) -> None:
    for tokens in map(int, lengths or ["0", "800", "2500", "10000"]):
        found = measured(tokens)
        print(
            f"{tokens:>6,} tokens: loss {found['loss']:.3f} in {found['losing']:.1f} s, {found['written']} lines "
            f"translated in {found['translating']:.1f} s, peak {found['megabytes']:,.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    program(main, measure)
