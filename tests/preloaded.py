"""What the process of `new_process` has imported, once for all that are forked from it."""

import gc

gc.disable()

import keras  # noqa: E402, F401
import matplotlib.figure  # noqa: E402, F401
import sklearn.manifold  # noqa: E402, F401
import tensorflow  # noqa: E402, F401

gc.freeze()  # garbage collection neither looks at it nor makes copies of its memory
gc.enable()
