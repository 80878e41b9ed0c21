"""Names that belong to the inside of HIPS/autograd, and what this engine leaves out."""

# Where a test checks real numbers and complex ones, the complex are left out and noted here.
LEFT_OUT: list[str] = []

# What the engine was really asked in a test and answered: derivatives, or values compared. A test
# that passes without any has checked nothing of the engine.
CHECKED: list[str] = []


class InternalInterfaceError(NotImplementedError):
    """The test uses the inside of HIPS/autograd, which another engine has not."""


class ComplexNumbersError(TypeError):
    """The test needs complex numbers."""


def placeholder(name):
    def internal(*args, **kwargs):
        raise InternalInterfaceError(f"{name} is the inside of HIPS/autograd")

    internal.__name__ = name
    return internal


def deferred(name):
    """A decorator that fails only when what it decorates is called."""

    def decorate(function):
        return placeholder(f"{name} {getattr(function, '__name__', '')}".strip())

    return decorate
