from .beam import beam_search as beam_search
from .beam import length_penalty as length_penalty
from .greedy import greedy_search as greedy_search
from .protocol import DecoderStep as DecoderStep
from .protocol import SearchResult as SearchResult
