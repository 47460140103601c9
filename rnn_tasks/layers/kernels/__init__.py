"""Whole-sequence recurrences with hand-written gradients, the arithmetic below the fast layers and cells."""
