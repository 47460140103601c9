"""Figures of results. Functions return a matplotlib Figure; none of them changes pyplot's global state."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
