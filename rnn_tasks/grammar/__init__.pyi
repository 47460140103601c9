from .automaton import Automaton as Automaton
from .automaton import load_automata as load_automata
from .reber import automaton as automaton
from .reber import embedded_reber_strings as embedded_reber_strings
from .reber import is_embedded_reber as is_embedded_reber
from .reber import is_reber as is_reber
from .reber import reber_strings as reber_strings
