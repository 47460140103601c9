"""Formal languages: automata that generate strings and decide membership, and data sets made from them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
