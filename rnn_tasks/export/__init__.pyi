from .saved_model import Endpoint as Endpoint
from .saved_model import export_model as export_model
from .saved_model import load_endpoints as load_endpoints
