from .config import ParallelDataConfig as ParallelDataConfig
from .sequence_batches import LabelledSequences as LabelledSequences
from .sequence_batches import SequenceBatches as SequenceBatches
