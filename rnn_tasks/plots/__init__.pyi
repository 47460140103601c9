from .canvas import save_figure as save_figure
from .curves import learning_curves as learning_curves
from .curves import score_while_reading as score_while_reading
from .matrices import attention_map as attention_map
from .matrices import confusion as confusion
from .pictures import captioned_pictures as captioned_pictures
from .scatter import embedding_scatter as embedding_scatter
from .scores import score_by_group as score_by_group
