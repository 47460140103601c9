"""Recurrent networks on Keras 3: building blocks, and the classic tasks of the field as recipes."""

import wrapt

# When Keras is imported, if ever: importing this must not import it.
wrapt.register_post_import_hook("rnn_tasks.saved_classes:offer", "keras")
