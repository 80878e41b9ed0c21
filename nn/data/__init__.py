"""Data sets as plain arrays: ``train, validation, test``, each ``inputs, targets``."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .augmentation import (
    Augmentation,
    Compose,
    Crop,
    Elastic,
    Erasing,
    Flip,
    Mixup,
    OneOf,
    Reach,
    Rotation,
    Shear,
    Shift,
    Stretch,
)
from .bundled import Splits, breast_cancer, diabetes, digits, iris, linnerud, wine
from .clouds import blobs, moons
from .features import PlaneFeatures
from .idx import mnist, read_idx
from .playground import circle, multi_gaussian, plane, spiral, two_gaussians, xor
from .representation import Scaling, one_hot, plus_minus, zero_one
from .splits import DataSet, Parts, Split, k_fold, random_split, stratified
from .tables import read_csv

__all__ = [
    "Augmentation",
    "Compose",
    "Crop",
    "DataSet",
    "Elastic",
    "Erasing",
    "Flip",
    "Mixup",
    "OneOf",
    "Parts",
    "PlaneFeatures",
    "Reach",
    "Rotation",
    "Scaling",
    "Shear",
    "Shift",
    "Split",
    "Splits",
    "Stretch",
    "blobs",
    "breast_cancer",
    "circle",
    "diabetes",
    "digits",
    "iris",
    "k_fold",
    "linnerud",
    "mnist",
    "moons",
    "multi_gaussian",
    "one_hot",
    "plane",
    "plus_minus",
    "random_split",
    "read_csv",
    "read_idx",
    "spiral",
    "stratified",
    "two_gaussians",
    "wine",
    "xor",
    "zero_one",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
