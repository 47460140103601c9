"""Published experiments that `rnn-tasks reproduce` repeats: a TOML file each."""
