"""Time series: from CSV files to regular steps, scaled values, seasons, splits by date, and windows over them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
