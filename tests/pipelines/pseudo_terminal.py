"""A terminal that nobody sits at."""

from __future__ import annotations

import io
import os
import pty
import re
import threading
import time


class Terminal:
    """A pseudo-terminal as standard error; what was written to it, and what a reader sees of that."""

    def __init__(self):
        self.leader, follower = pty.openpty()
        self.file = os.fdopen(follower, "w", 1, "utf-8")
        self.written = ""
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        decoder = io.IncrementalNewlineDecoder(None, translate=False)
        while True:
            try:
                self.written += decoder.decode(os.read(self.leader, 1 << 16).decode("utf-8", "replace"))
            except OSError:
                return

    def wait_for(self, text):
        deadline = time.monotonic() + 60
        while text not in self.written:
            assert time.monotonic() < deadline, self.written
            time.sleep(0.01)

    def screen(self):
        """The lines on it now, by the few control codes that are in use."""
        mark = f"\x1b[{900 + len(self.written)}m"  # a colour that there is not
        self.file.write(mark)
        self.file.flush()
        self.wait_for(mark)
        lines, row, column = [""], 0, 0
        for code in re.findall(r"\x1b\[[0-9;?]*[a-zA-Z]|.", self.written, flags=re.DOTALL):
            if code == "\n":
                row += 1
                lines += [""] * (row == len(lines))
            elif code == "\r":
                column = 0
            elif code == "\x1b[1A":
                row -= 1
            elif code == "\x1b[2K":
                lines[row] = ""
            elif not code.startswith("\x1b"):
                lines[row] = lines[row][:column].ljust(column) + code + lines[row][column + 1 :]
                column += 1
            else:
                assert code.endswith("m"), code  # colours, and nothing that hides the cursor
        while len(lines) > 1 and not lines[-1]:
            lines.pop()
        return [line.rstrip() for line in lines]
