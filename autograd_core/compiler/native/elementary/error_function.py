"""The error function and its complement."""

from __future__ import annotations

from ..assembly import Code, V, element
from .exponentials import exp_within
from .formats import at_most, magnitude, number, polynomial, with_sign
from .through_double import in_double

__all__ = ["erf", "erfc"]

# erf(x)/x - 1 in x² on |x| ≤ 0.9; minimax, relative errors of erf 2^-30.1 and 2^-56.3.
_NEAR = {
    "float": (0.128379166, -0.376126319, 0.112837009, -0.0268607866, 0.00520613277,
              -0.000821280526, 8.70215445e-05),
    "double": (0.1283791670955126, -0.37612638903183754, 0.11283791670955097, -0.02686617064512365,
               0.005223977625335705, -0.0008548327014555599, 0.00012055332503893307,
               -1.492563311618082e-05, 1.6461687366117265e-06, -1.635855463337034e-07,
               1.472257461620814e-08, -1.1648164527352059e-09, 6.486192808531628e-11),
}  # fmt: skip
# log(1 - erf t) from 0.9 to where erf rounds to 1; absolute errors of erf 2^-33.8 and 2^-59.
_FAR = {
    "float": (0.000170560335, -1.12949526, -0.633386314, -0.10823711, 0.0250918865, -0.0041606985,
              0.000432342174, -2.09131413e-05),
    "double": (2.9025641343669329e-09, -1.1283792341872356, -0.63661918993185806,
               -0.10277546811136841, 0.019137805887337302, 0.00018715349707052113,
               -0.0016569247495483309, 0.0005355004302344344, 3.4557573409810568e-05,
               -0.00011828771088205853, 6.8380379542189119e-05, -2.5688162576855687e-05,
               7.2240457286830013e-06, -1.5791359349099008e-06, 2.694969752359097e-07,
               -3.5390768718383467e-08, 3.4617928650735071e-09, -2.3775322473386407e-10,
               1.023021624798299e-11, -2.0744164246887667e-13),
}  # fmt: skip
_ONE_FROM = {"float": 4.0, "double": 6.0}


def erf(code: Code, x: V) -> V:
    """Error function: an odd polynomial near 0, and 1 - exp(a polynomial) from 0.9 on."""
    kind = element(x.type)
    t = at_most(code, magnitude(code, x), _ONE_FROM[kind])
    near = code.fma(t, polynomial(code, code.fmul(t, t), _NEAR[kind]), t)
    far = code.fsub(number(1.0, x), exp_within(code, polynomial(code, t, _FAR[kind])))
    y = code.select(code.compare("olt", t, number(0.9, x)), near, far)
    return with_sign(code, y, x)


# exp(t²) erfc(t) (1 + 2t) in (t-3)/(t+3), on [0, 10.3]; minimax, relative error 2^-28.9. The form is
# that of Schonfelder, "Chebyshev expansions for the error and related functions" (1978).
_COMPLEMENT = (
    1.2530080593138453, -0.1356211409465902, -0.047562420256756076, 0.12964645162031788,
    -0.11927061209393688, 0.06829574611524206, -0.023799546714025746, 0.002565708845013342,
    0.0020048551577027604, -0.0007726609029943179, -0.0002662286804497768,
)  # fmt: skip


def _erfc(code: Code, x: V) -> V:
    """1 - erf(x), accurate where it is small: in double for float, else C's."""
    one, two = number(1.0, x), number(2.0, x)
    t = at_most(code, magnitude(code, x), 10.3)  # 0 in float from there on
    three = number(3.0, x)
    # One division: p (1/(1+2t)) and (t-3)/(t+3) over the same denominator.
    right, outer = code.fadd(t, three), code.fma(t, two, one)
    inverse = code.fdiv(one, code.fmul(right, outer))
    u = code.fmul(code.fmul(code.fsub(t, three), outer), inverse)
    bell = exp_within(code, code.fneg(code.fmul(t, t)))
    y = code.fmul(code.fmul(bell, polynomial(code, u, _COMPLEMENT)), code.fmul(right, inverse))
    left = code.compare("olt", x, number(0.0, x))
    return code.select(left, code.fsub(two, y), y)


erfc = in_double("erfc", _erfc)
