"""Recurrent networks on Keras 3: building blocks, and the classic tasks of the field as recipes."""
