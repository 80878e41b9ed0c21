"""Data sets that come with an installed package, so that nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import MissingDependencyError
from autograd_core.options import FLOATS
from autograd_core.randomness import Source, source_of

from .splits import DataSet, Parts, Split, random_split, stratified

__all__ = ["Splits", "breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine"]


class Splits(Parts):
    """A data set in three parts; unpacks as ``train, validation, test``, which are its attributes."""

    @property
    def train(self) -> Split:
        """What is learned from."""
        return self[0]

    @property
    def validation(self) -> Split:
        """What decides when to stop."""
        return self[1]

    @property
    def test(self) -> Split:
        """What is looked at once, at the end."""
        return self[2]

    def _names(self) -> Sequence[str]:
        return ("train", "validation", "test")


def digits(
    *,
    rng: RandomSource = None,
    validation: float = 0.15,
    test: float = 0.2,
    dtype: npt.DTypeLike = np.float32,
) -> Splits:
    """Real handwritten digits, 8 × 8 pixels: the set that scikit-learn brings along.

    1,797 images of 43 writers, 10 classes of about 180; the test part of the UCI set "Optical
    recognition of handwritten digits".

    Parameters
    ----------
    rng : numpy.random.Generator or int, optional
        Source of the split, or its seed; equal ones give equal parts. Left out, a fresh seed is
        drawn, which the result shows.
    validation, test : float
        Fractions of the whole, of each class alike; each in [0, 1), together below 1.
    dtype : dtype
        Of the inputs.

    Returns
    -------
    Splits
        ``train, validation, test``, each a `Split` of inputs, shape (N, 64), scaled from 0 … 16 to
        [0, 1], rows of the image one after the other; and targets, shape (N,), int64, 0 … 9. With
        the defaults N is 1169, 269 and 359.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed; the extra is ``data``.
    ConfigError
        If the fractions leave nothing to train on, or ``rng`` is neither a generator nor a seed.

    References
    ----------
    Alpaydin and Kaynak (1998), Cascading classifiers. UCI Machine Learning Repository, CC BY 4.0.

    Examples
    --------
    >>> import numpy as np, nn
    >>> train, validation, test = nn.data.digits(rng=np.random.default_rng(0))
    >>> train.inputs.shape, validation.targets.shape, test.inputs.dtype
    ((1169, 64), (269,), dtype('float32'))
    """
    source, kind = source_of(rng, "digits"), FLOATS.check("digits: dtype", dtype)
    pixels, labels = _loaded("digits")
    whole = DataSet.of((pixels / 16).astype(kind), labels.astype(np.int64), classes="0123456789")
    return _dealt(whole, (validation, test), source)


def _loaded(name: str) -> tuple[Array, Array]:
    """The arrays of one of scikit-learn's sets."""
    try:
        import sklearn.datasets as datasets
    except ImportError as error:
        raise MissingDependencyError(
            f"nn.data.{name}",
            "scikit-learn brings this data set and is not installed. Expected the "
            'extra "data". Run: pip install "gradproof[data]".',
        ) from error
    inputs, targets = getattr(datasets, f"load_{name}")(return_X_y=True)
    return inputs, targets


def _dealt(
    whole: DataSet, fractions: tuple[float, float], source: Source, bins: int | None = None
) -> Splits:
    """Train, validation and test part: stratified by class, or by quantiles, or at random."""
    if whole.classes or bins is not None:
        parts = stratified(whole, fractions, bins=bins, rng=source.generator)
    else:
        parts = random_split(whole, fractions, rng=source.generator)
    return Splits.of(parts, source.seed, whole)


def iris(
    *,
    rng: RandomSource = None,
    validation: float = 0.15,
    test: float = 0.2,
    dtype: npt.DTypeLike = np.float32,
) -> Splits:
    """Real flowers: 150 irises of three species, measured by Anderson, published by Fisher.

    50 of each species; the first is parted from the others by a line, the other two are not quite.

    Parameters
    ----------
    rng : numpy.random.Generator or int, optional
        Source of the split, or its seed. Left out, a fresh seed is drawn, which the result shows.
    validation, test : float
        Fractions of the whole, of each class alike; each in [0, 1), together below 1.
    dtype : dtype
        Of the inputs.

    Returns
    -------
    Splits
        Inputs, shape (N, 4), in cm: length and width of the sepal, length and width of the petal; targets,
        shape (N,), int64: setosa, versicolor, virginica. With the defaults N is 96, 24 and 30.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed; the extra is ``data``.
    ConfigError
        If the fractions leave nothing to train on, or ``rng`` is neither a generator nor a seed.

    References
    ----------
    Fisher (1936), The use of multiple measurements in taxonomic problems. Annals of Eugenics 7.

    Examples
    --------
    >>> import nn
    >>> irises = nn.data.iris(rng=0)
    >>> irises.classes, irises.columns[2]
    (('setosa', 'versicolor', 'virginica'), 'petal length (cm)')
    """
    columns = [f"{part} {way} (cm)" for part in ("sepal", "petal") for way in ("length", "width")]
    species = ("setosa", "versicolor", "virginica")
    return _classified("iris", columns, species, rng, (validation, test), dtype)


def wine(
    *,
    rng: RandomSource = None,
    validation: float = 0.15,
    test: float = 0.2,
    dtype: npt.DTypeLike = np.float32,
) -> Splits:
    """Real wines: 178 bottles of three cultivars of one region, by 13 measurements of a laboratory.

    59, 71 and 48 bottles. The columns differ in scale by a factor of a thousand: normalize them.

    Parameters
    ----------
    rng : numpy.random.Generator or int, optional
        Source of the split, or its seed. Left out, a fresh seed is drawn, which the result shows.
    validation, test : float
        Fractions of the whole, of each class alike; each in [0, 1), together below 1.
    dtype : dtype
        Of the inputs.

    Returns
    -------
    Splits
        Inputs, shape (N, 13): alcohol (% by volume), malic acid, ash (g/l), alcalinity of the ash (meq/l),
        magnesium (mg/l), phenols, flavanoids, nonflavanoid phenols, proanthocyanins, colour intensity, hue,
        absorption at 280 over 315 nm (diluted), proline (mg/l); the source gives no units, these are those
        that its values suggest, and stand in no name. Targets, shape (N,), int64: the cultivar.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed; the extra is ``data``.
    ConfigError
        If the fractions leave nothing to train on, or ``rng`` is neither a generator nor a seed.

    References
    ----------
    Forina et al. (1988), PARVUS. UCI Machine Learning Repository, CC BY 4.0.

    Examples
    --------
    >>> import nn
    >>> train, validation, test = nn.data.wine(rng=0)
    >>> train.inputs.shape[1], sorted(set(test.targets.tolist()))
    (13, [0, 1, 2])
    """
    columns = (
        "alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "total phenols", "flavanoids",
        "nonflavanoid phenols", "proanthocyanins", "colour intensity", "hue", "od280/od315", "proline",
    )  # fmt: skip
    cultivars = ("class 0", "class 1", "class 2")
    return _classified("wine", columns, cultivars, rng, (validation, test), dtype)


def breast_cancer(
    *,
    rng: RandomSource = None,
    validation: float = 0.15,
    test: float = 0.2,
    dtype: npt.DTypeLike = np.float32,
) -> Splits:
    """Real tumours: 569 of the breast, 212 malignant, by 30 measurements of the nuclei of their cells.

    Of ten properties (radius, texture, perimeter, area, smoothness, compactness, concavity, concave points,
    symmetry, fractal dimension) the mean over the nuclei of one image, the standard error, and the mean of
    the three largest ("worst").

    Parameters
    ----------
    rng : numpy.random.Generator or int, optional
        Source of the split, or its seed. Left out, a fresh seed is drawn, which the result shows.
    validation, test : float
        Fractions of the whole, of each class alike; each in [0, 1), together below 1.
    dtype : dtype
        Of the inputs.

    Returns
    -------
    Splits
        Inputs, shape (N, 30): lengths in pixels of the digitized image, areas in pixels, the others without
        unit; they differ in scale by a factor of a million: normalize them. Targets, shape (N,), int64:
        **0 malignant, 1 benign**, in the order of scikit-learn.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed; the extra is ``data``.
    ConfigError
        If the fractions leave nothing to train on, or ``rng`` is neither a generator nor a seed.

    References
    ----------
    Street, Wolberg and Mangasarian (1993), Nuclear feature extraction for breast tumor diagnosis. UCI Machine
    Learning Repository, "Breast Cancer Wisconsin (Diagnostic)", CC BY 4.0.

    Examples
    --------
    >>> import nn
    >>> tumours = nn.data.breast_cancer(rng=0)
    >>> tumours.classes, tumours.columns[20]
    (('malignant', 'benign'), 'worst radius')
    """
    properties = (
        "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity",
        "concave points", "symmetry", "fractal dimension",
    )  # fmt: skip
    columns = [f"mean {p}" for p in properties]
    columns += [f"{p} error" for p in properties] + [f"worst {p}" for p in properties]
    return _classified(
        "breast_cancer", columns, ("malignant", "benign"), rng, (validation, test), dtype
    )


def diabetes(
    *,
    rng: RandomSource = None,
    validation: float = 0.15,
    test: float = 0.2,
    dtype: npt.DTypeLike = np.float32,
) -> Splits:
    """Real patients: 442 with diabetes, and how far it had come a year later. Regression.

    The ten columns come centred and scaled by the source, to mean 0 and sum of squares 1 over all 442, so
    their deviation is 1/√442 ≈ 0.048; their units are gone. The targets are as they were.

    Parameters
    ----------
    rng : numpy.random.Generator or int, optional
        Source of the split, or its seed. Left out, a fresh seed is drawn, which the result shows.
    validation, test : float
        Fractions of the whole, of each decile of the target alike; each in [0, 1), together below 1.
    dtype : dtype
        Of the inputs and targets.

    Returns
    -------
    Splits
        Inputs, shape (N, 10): age, sex, body mass index, mean blood pressure, and six values of the blood
        serum; targets, shape (N, 1): disease progression, 25 to 346, a score without unit.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed; the extra is ``data``.
    ConfigError
        If the fractions leave nothing to train on, or ``rng`` is neither a generator nor a seed.

    References
    ----------
    Efron, Hastie, Johnstone and Tibshirani (2004), Least angle regression. Annals of Statistics 32.

    Examples
    --------
    >>> import nn
    >>> train, validation, test = nn.data.diabetes(rng=0)
    >>> train.targets.shape[1], float(test.targets.min()) >= 25
    (1, True)
    """
    columns = (
        "age", "sex", "body mass index", "blood pressure", "total cholesterol", "ldl", "hdl",
        "cholesterol/hdl", "log triglycerides", "blood sugar",
    )  # fmt: skip
    return _measured("diabetes", columns, rng, (validation, test), dtype, bins=10)


def linnerud(
    *,
    rng: RandomSource = None,
    validation: float = 0.15,
    test: float = 0.2,
    dtype: npt.DTypeLike = np.float32,
) -> Splits:
    """Real men: 20 of a fitness club, three exercises and three measures of the body. Regression.

    Small enough to be memorised: three parts of it hold 13, 3 and 4 men.

    Parameters
    ----------
    rng : numpy.random.Generator or int, optional
        Source of the split, or its seed. Left out, a fresh seed is drawn, which the result shows.
    validation, test : float
        Fractions of the whole; each in [0, 1), together below 1.
    dtype : dtype
        Of the inputs and targets.

    Returns
    -------
    Splits
        Inputs, shape (N, 3): chin-ups, sit-ups and jumps, counted; targets, shape (N, 3): weight (pounds),
        waist (inches), pulse (beats a minute).

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed; the extra is ``data``.
    ConfigError
        If the fractions leave nothing to train on, or ``rng`` is neither a generator nor a seed.

    References
    ----------
    Tenenhaus (1998), La régression PLS: théorie et pratique. The units are those of the SAS manual's example.

    Examples
    --------
    >>> import nn
    >>> men = nn.data.linnerud(rng=0)
    >>> men.columns, [len(part.inputs) for part in men]
    (('chin-ups', 'sit-ups', 'jumps'), [13, 3, 4])
    """
    return _measured(
        "linnerud", ("chin-ups", "sit-ups", "jumps"), rng, (validation, test), dtype, bins=None
    )


def _classified(
    name: str,
    columns: Iterable[str],
    classes: Iterable[str],
    rng: RandomSource,
    fractions: tuple[float, float],
    dtype: npt.DTypeLike,
) -> Splits:
    source, kind = source_of(rng, name), FLOATS.check(f"{name}: dtype", dtype)
    inputs, targets = _loaded(name)
    whole = DataSet.of(
        inputs.astype(kind), targets.astype(np.int64), columns=columns, classes=classes
    )
    return _dealt(whole, fractions, source)


def _measured(
    name: str,
    columns: Iterable[str],
    rng: RandomSource,
    fractions: tuple[float, float],
    dtype: npt.DTypeLike,
    bins: int | None,
) -> Splits:
    source, kind = source_of(rng, name), FLOATS.check(f"{name}: dtype", dtype)
    inputs, targets = _loaded(name)
    rows = targets.reshape(len(targets), -1).astype(kind)
    return _dealt(DataSet.of(inputs.astype(kind), rows, columns=columns), fractions, source, bins)
