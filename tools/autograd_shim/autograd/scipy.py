"""Stands in for autograd.scipy: SciPy's own ufuncs, which hand tensors over, and the engine's functions.

Of the rest every name is there, so that the tests are collected, and raises when it is called.
"""

import inspect
import sys
from types import ModuleType

import numpy as np

import autograd_core as ag

try:
    import scipy.special
    import scipy.stats
except ImportError:  # their tests of it are not collected then
    scipy = None


def _reached(start, path):
    for name in path:
        start = getattr(start, name, None)
    return start


class ScipyError(NotImplementedError):
    """The test needs derivatives of SciPy's functions."""


class Absent(ModuleType):
    """A module in which every name is a function that raises."""

    __path__ = ()  # it may have modules inside

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        path = self.__name__.removeprefix(__name__ + ".").split(".")
        theirs = _reached(scipy, [*path, name])
        if isinstance(theirs, np.ufunc) or name == "rvs":  # drawing samples has no derivative
            return theirs
        family = _reached(ag, path)
        ours = getattr(family, name, None)
        if inspect.isroutine(ours) and name in getattr(family, "__all__", [name]):
            return ours
        found = Absent(f"{self.__name__}.{name}")
        sys.modules[found.__name__] = found
        setattr(self, name, found)
        return found

    def __call__(self, *args, **kwargs):
        caller = sys._getframe(1)
        while caller is not None:
            if caller.f_code.co_name.startswith("test"):
                break
            caller = caller.f_back
        else:  # while the tests are collected
            return self
        raise ScipyError(f"{self.__name__} is not part of this engine")


sys.modules[__name__].__class__ = Absent
__path__ = []
for _name in ("integrate", "linalg", "misc", "optimize", "signal", "special", "stats"):
    getattr(sys.modules[__name__], _name)
for _name in ("beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t"):
    getattr(sys.modules[f"{__name__}.stats"], _name)


def _itself(self, *args):
    return self


for _name in ("getitem", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "neg", "pow"):
    setattr(Absent, f"__{_name}__", _itself)
