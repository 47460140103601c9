from .encoder_decoder import DecoderState as DecoderState
from .encoder_decoder import EncoderDecoder as EncoderDecoder
from .encoder_decoder import Memory as Memory
from .sequence_to_vector import sequence_to_vector as sequence_to_vector
