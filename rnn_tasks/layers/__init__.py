"""Recurrent building blocks: Keras layers that mask, stack, serialise and compile."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
