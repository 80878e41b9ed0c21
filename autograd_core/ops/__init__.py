"""The primitives, declared once each, one file a family."""

from .arithmetic import *
from .contractions import *
from .elementary import *
from .indexing import *
from .linalg import *
from .piecewise import *
from .random import *
from .reductions import *
from .views import *
