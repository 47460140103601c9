"""Figures of what was learned. Functions return a matplotlib Figure; none touches pyplot's global state."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
