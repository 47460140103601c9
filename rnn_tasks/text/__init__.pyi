from .config import ParallelDataConfig as ParallelDataConfig
from .corpus import ParallelCorpus as ParallelCorpus
from .corpus import corpus_inputs as corpus_inputs
from .corpus import open_corpus as open_corpus
from .download import default_cache_dir as default_cache_dir
from .sequence_batches import LabelledSequences as LabelledSequences
from .sequence_batches import SequenceBatches as SequenceBatches
