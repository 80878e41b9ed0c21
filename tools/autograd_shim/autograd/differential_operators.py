"""The operators on functions, by those of autograd_core."""

import functools

import numpy as np

import autograd_core as ag
from autograd_core.trees import map_tree

from .internal import CHECKED, ComplexNumbersError


def array(value):
    """A leaf of an argument as the engine takes it: integers become floats, as there."""
    if type(value) is ag.Tensor:
        return value
    a = np.asarray(value)
    if a.dtype.kind == "c":
        raise ComplexNumbersError("complex numbers")
    return a.astype(np.float64) if a.dtype.kind in "iub" else a


def plain(value):
    """A result as NumPy has it, unless a gradient still flows through it."""
    if type(value) is ag.Tensor and not value.requires_grad:
        return np.array(value.data)[()]
    return value


def _tensors(result):
    """Leaves of a result as tensors: a constant result is a tensor without history."""

    def tensor(value):
        if type(value) is ag.Tensor:
            return value
        a = np.asarray(value)
        if a.dtype.kind == "c":
            raise ComplexNumbersError("complex numbers")
        if a.dtype.kind == "b":
            raise TypeError("there are no derivatives of truth values")
        return ag.tensor(a.astype(np.float64) if a.dtype.kind in "iub" else a)

    return map_tree(tensor, result)


def unary_to_nary(operator):
    """Lift ``operator(function_of_one, x)`` to one argument, or several as a tuple, of many."""

    @functools.wraps(operator)
    def lifted(function, argnum=0, *options, **named):
        def of_many(*args, **kwargs):
            many = not isinstance(argnum, int)

            def function_of_one(x):
                full = list(args)
                for n, value in zip(argnum if many else [argnum], x if many else [x], strict=True):
                    full[n] = value
                return function(*full, **kwargs)

            x = tuple(args[n] for n in argnum) if many else args[argnum]
            return operator(function_of_one, x, *options, **named)

        return of_many

    return lifted


def reverse(function, x):
    """Value and pullback of a function of one (nested) argument."""
    value, pull = ag.vjp(lambda x: _tensors(function(x)), map_tree(array, x), unreachable="zero")

    def pullback(g):
        pulled = map_tree(plain, pull(map_tree(array, g))[0])
        CHECKED.append("reverse")
        return pulled

    return value, pullback


@unary_to_nary
def make_vjp(function, x):
    value, pull = reverse(function, x)
    return pull, map_tree(plain, value)


@unary_to_nary
def make_jvp(function, x):
    def push(v):
        pushed = ag.jvp(
            lambda x: _tensors(function(x)),
            (map_tree(array, x),),
            (map_tree(array, v),),
            unreachable="zero",
        )
        CHECKED.append("forward")
        return tuple(map_tree(plain, part) for part in pushed)

    return push


@unary_to_nary
def value_and_grad(function, x):
    value, pull = reverse(function, x)
    if type(value) is not ag.Tensor or value.size != 1:
        raise TypeError("value_and_grad only applies to real scalar-output functions")
    return plain(value), pull(np.ones(value.shape, value.dtype))


@unary_to_nary
def grad(function, x):
    value, pull = reverse(function, x)
    if type(value) is not ag.Tensor or value.size != 1:
        raise TypeError(
            "Grad only applies to real scalar-output functions. "
            "Try jacobian, elementwise_grad or holomorphic_grad."
        )
    return pull(np.ones(value.shape, value.dtype))


@unary_to_nary
def elementwise_grad(function, x):
    value, pull = reverse(function, x)
    return pull(map_tree(lambda y: np.ones(y.shape, y.dtype), value))


@unary_to_nary
def deriv(function, x):
    return make_jvp(function)(x)(map_tree(lambda a: np.ones(array(a).shape), x))[1]


@unary_to_nary
def jacobian(function, x):
    found = ag.jacobian(lambda x: _tensors(function(x)), unreachable="zero")(map_tree(array, x))
    CHECKED.append("Jacobian")
    return map_tree(plain, found)


@unary_to_nary
def grad_and_aux(function, x):
    kept = []

    def first(x):
        value, aux = function(x)
        kept.append(aux)
        return value

    g = grad(first)(x)
    return g, map_tree(lambda a: plain(a.detach()) if type(a) is ag.Tensor else a, kept[0])


def hessian(function, argnum=0):
    return jacobian(jacobian(function, argnum), argnum)


@unary_to_nary
def make_hvp(function, x):
    return make_vjp(grad(function))(x)


def make_ggnvp(function, g=lambda x: 0.5 * np.sum(x * x), f_argnum=0):
    """Products with J(f)ᵀ H(g) J(f)."""

    @unary_to_nary
    def at(function, x):
        def product(v):
            y, u = make_jvp(function)(x)(v)
            return make_vjp(function)(x)[0](make_hvp(g)(y)[0](u))

        return product

    return at(function, f_argnum)


def tensor_jacobian_product(function, argnum=0):
    """The vector's axes are summed with the first ones of the Jacobian."""

    def product(*args, **kwargs):
        *given, vector = args
        derivative = jacobian(function, argnum)(*given, **kwargs)
        return np.tensordot(vector, derivative, np.ndim(vector))

    return product


vector_jacobian_product = tensor_jacobian_product


def hessian_tensor_product(function, argnum=0):
    def product(*args, **kwargs):
        *given, vector = args
        return make_hvp(function, argnum)(*given, **kwargs)[0](vector)

    return product


hessian_vector_product = hessian_tensor_product


def holomorphic_grad(function, argnum=0):
    def gradient(*args, **kwargs):
        raise ComplexNumbersError("complex numbers")

    return gradient


def grad_named(function, argname):
    import inspect

    return grad(function, list(inspect.signature(function).parameters).index(argname))


def multigrad_dict(function):
    import inspect

    signature = inspect.signature(function)

    def gradient(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return grad(lambda arguments: function(**arguments))(dict(bound.arguments))

    return gradient


def checkpoint(function):
    """Without the saving of memory."""
    return function
