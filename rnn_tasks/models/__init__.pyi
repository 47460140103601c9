from .encoder_decoder import EncoderDecoder as EncoderDecoder
from .sequence_to_vector import sequence_to_vector as sequence_to_vector
