"""Grammars and data sets made from them: automata that generate and judge strings, and English-French sentences."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
