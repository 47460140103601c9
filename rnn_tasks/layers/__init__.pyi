from .bahdanau_attention import BahdanauAttention as BahdanauAttention
from .dropout_wrapper import DropoutWrapper as DropoutWrapper
from .gru import GRU as GRU
from .lstm import LSTM as LSTM
from .luong_attention import LuongAttention as LuongAttention
from .simple_rnn import SimpleRNN as SimpleRNN
