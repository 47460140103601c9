from .canvas import save_figure as save_figure
from .curves import learning_curves as learning_curves
from .matrices import attention_map as attention_map
from .matrices import confusion as confusion
from .scatter import embedding_scatter as embedding_scatter
from .scores import score_by_group as score_by_group
