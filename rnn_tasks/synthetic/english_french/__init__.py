"""English-French sentence pairs from a synchronous grammar."""
