from .english_french.pairs import english_french_pairs as english_french_pairs
from .reber import MIXTURE as MIXTURE
from .reber import corrupt as corrupt
from .reber import member_splits as member_splits
from .reber import reber_dataset as reber_dataset
from .reber import reber_splits as reber_splits
from .strings import string_splits as string_splits
from .waves import embedded_series as embedded_series
