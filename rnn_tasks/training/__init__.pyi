from .checkpoint import load_weights as load_weights
from .checkpoint import save_weights as save_weights
from .loop import Batches as Batches
from .loop import fit as fit
from .losses import StepLoss as StepLoss
from .losses import sampled_cross_entropy as sampled_cross_entropy
from .losses import sequence_cross_entropy as sequence_cross_entropy
from .scope import training_scope as training_scope
