"""Transforms of data as layers: what an input may be turned into without becoming another thing.

Each is a module that changes its input in training and leaves it as it is in evaluation; what it draws
comes from its key and counter, as the masks of `nn.Dropout` do.
"""

# The rest is made by `make docs`, of the `__all__` of each file.
from .augmentation import Augmentation
from .crops import Crop, Erasing
from .elastic import Elastic
from .flips import Flip
from .geometry import Rotation, Shear, Shift, Stretch
from .guard import Reach
from .mixing import Mixup
from .several import Compose, OneOf

__all__ = [
    "Augmentation",
    "Compose",
    "Crop",
    "Elastic",
    "Erasing",
    "Flip",
    "Mixup",
    "OneOf",
    "Reach",
    "Rotation",
    "Shear",
    "Shift",
    "Stretch",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
