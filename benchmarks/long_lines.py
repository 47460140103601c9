"""Memory of measuring and translating one long line among short ones: is there a bound?

    .venv/bin/python benchmarks/long_lines.py [tokens ...]

For each length (0: short lines alone; 800, 2,500 and 10,000 by default) a process of its own makes an untrained model
of the quick preset's sizes, measures the loss of 99 short pairs and one pair of so many tokens on either side, and
translates the sources; it prints its peak resident memory and seconds. A long line is measured alone, its target in
parts of so many steps that no tensor has more than 2**25 values, and translated to at most 256 tokens.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

VOCABULARY, UNITS, EMBEDDING = 8_000, 256, 128


def measure(tokens: int) -> None:
    """Print the loss, seconds and peak memory of this process."""
    from rnn_tasks import dataset, models, text, training
    from rnn_tasks import export as exporting

    rng = np.random.default_rng(0)
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
        measured = time.monotonic() - started
        lines = [" ".join(vocabulary.tokens[i] for i in ids) for ids in sides[0]]
    translator = exporting.Translator(model, tokenizer, tokenizer, reverse_source=False, has_attention=True)
    started = time.monotonic()
    written = sum(1 for _ in exporting.translate_lines(translator.compiled(), lines, 4, 1.0))
    translated = time.monotonic() - started
    status = Path("/proc/self/status").read_text().splitlines()
    peak = int(next(line.split()[1] for line in status if line.startswith("VmHWM"))) // 1024
    print(
        f"{tokens:>6,} tokens: loss {loss:.3f} in {measured:.1f} s, {written} lines translated in {translated:.1f} s, "
        f"peak {peak:,} MB",
        flush=True,
    )


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        measure(int(sys.argv[2]))
        return
    for tokens in map(int, sys.argv[1:] or ("0", "800", "2500", "10000")):
        subprocess.run([sys.executable, __file__, "--measure", str(tokens)], check=True)


if __name__ == "__main__":
    main()
