from .encoder_decoder import EncoderDecoder as EncoderDecoder
from .forecaster import forecaster as forecaster
from .gates import gate_activations as gate_activations
from .language_model import LanguageModel as LanguageModel
from .sequences import sequence_to_sequence as sequence_to_sequence
from .sequences import sequence_to_vector as sequence_to_vector
