"""One readable module a task; `rnn_tasks.registry` lists them."""
