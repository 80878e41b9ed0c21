"""Every error that gradproof raises on purpose.

AutogradError
├── ShapeError (ValueError)              shapes do not fit
│   └── OutOfRangeError (IndexError)     an axis or an index beyond the shape
├── LinAlgError (np.linalg.LinAlgError)  a matrix that has no such factors
│   └── SingularError                    a matrix that has no inverse
├── DTypeError (TypeError)               integers where reals are needed, complex numbers, objects
├── ConfigError (ValueError)             an option or hyperparameter outside its range
├── GraphError (RuntimeError)            a freed, written-over or foreign graph
│   ├── NotDifferentiableError           no gradient can pass here
│   └── UnreachableError                 the output does not depend on that input
├── AnomalyError (FloatingPointError)    the first non-finite value, under ``detect_anomaly``
├── GradcheckError (AssertionError)      analytic and numeric derivatives differ
├── CaptureError (RuntimeError)          Python asked a traced array for its values
├── ProofError (AssertionError)          a derivation could not be carried out
│   ├── NoReadingError                   a primitive that a way to prove does not read
│   └── DisagreementError                a proof and what is run contradict each other
├── StateError (ValueError)              missing, unexpected or mis-shaped keys of a state
├── CheckpointError (OSError)            a file that is missing, damaged or not ours
├── DataError (ValueError)               a data set that is missing, damaged or misread
├── WorkerError (RuntimeError)           a process that works with this one died or does not answer
├── ExportError (BufferError)            memory that cannot be handed to another library
└── MissingDependencyError (ImportError) an optional package is not installed; names the extra

Warnings: CompileWarning (UserWarning), of what is right and slower than it could be;
RecompileWarning, of a function that is compiled again and again.

A message has the form: operation: what is wrong. Expected …; received …. Where. What to do. An error
has the first part and the rest as fields: nothing has to read its text.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np

__all__ = [
    "AnomalyError",
    "AutogradError",
    "CaptureError",
    "CheckpointError",
    "CompileWarning",
    "ConfigError",
    "DTypeError",
    "DataError",
    "DisagreementError",
    "ExportError",
    "GradcheckError",
    "GraphError",
    "LinAlgError",
    "MissingDependencyError",
    "NoReadingError",
    "NotDifferentiableError",
    "OutOfRangeError",
    "ProofError",
    "RecompileWarning",
    "ShapeError",
    "SingularError",
    "StateError",
    "UnreachableError",
    "WorkerError",
]


class AutogradError(Exception):
    """The root: ``except AutogradError`` catches all that gradproof raises on purpose.

    Parameters
    ----------
    *message : str
        The operation and the reason; or the reason alone, to which what catches it gives the operation.

    Attributes
    ----------
    operation : str or None
        What failed, as the message names it first: ``matmul``, ``Adam``, ``jit of step``.
    reason : str
        The rest of the message.
    """

    def __init__(self, *message: str) -> None:
        super().__init__(": ".join(message))
        self.operation = message[0] if len(message) > 1 else None
        self.reason = message[-1] if message else ""

    def of(self, operation: str) -> Self:
        """The same error, as one of another operation."""
        return self._saying(operation, self.reason)

    def ending(self, where: str) -> Self:
        """The same error, with more at the end of its reason."""
        reason = self.reason + where
        return self._saying(*((reason,) if self.operation is None else (self.operation, reason)))

    def _saying(self, *message: str) -> Self:
        said = copy.copy(self)
        AutogradError.__init__(said, *message)
        return said


class ShapeError(AutogradError, ValueError):
    """Shapes do not fit.

    >>> import numpy as np, autograd_core as ag
    >>> ag.tensor(np.ones((2, 3))) @ ag.tensor(np.ones((2, 3)))
    Traceback (most recent call last):
    ...
    autograd_core.errors.ShapeError: matmul: ...

    Repaired: ``a @ b.T``.
    """


class OutOfRangeError(ShapeError, IndexError):
    """An axis or an index beyond the shape, such as ``t.sum(axis=2)`` of a matrix.

    A ValueError and an IndexError, as NumPy's AxisError is.
    """


class LinAlgError(AutogradError, np.linalg.LinAlgError):
    """A matrix has no such factors: where NumPy raises its error of this name."""


class SingularError(LinAlgError):
    """A matrix has no inverse.

    ``ag.solve(np.zeros((2, 2)), np.ones(2))`` fails; ``ag.solve(a, b, singular="nan")`` gives nan for
    the singular matrices of a stack, and the solutions for the others.
    """


class DTypeError(AutogradError, TypeError):
    """A dtype that an operation cannot use.

    ``ag.tensor([1, 2], requires_grad=True)`` fails, since integers have no gradient;
    ``ag.tensor([1.0, 2.0], requires_grad=True)`` is right.
    """


class ConfigError(AutogradError, ValueError):
    """An option or hyperparameter outside its range, such as ``Dropout(p=1.5)``."""


class GraphError(AutogradError, RuntimeError):
    """The recorded graph cannot be used as asked.

    After ``loss.backward()`` the graph is freed: a second ``loss.backward()`` fails.
    Repaired: ``loss.backward(retain_graph=True)`` the first time, or compute the loss again.
    """


class NotDifferentiableError(GraphError):
    """No gradient can pass here, such as ``np.asarray(t)`` of a tensor that requires one.

    Repaired: ``np.asarray(t.detach())`` where cutting the gradient is meant.
    """


class UnreachableError(GraphError):
    """The output does not depend on an input whose gradient was asked for.

    Zeros are not returned in silence; pass ``unreachable="zero"`` where zero is meant.
    """


class AnomalyError(AutogradError, FloatingPointError):
    """Under ``detect_anomaly``: the operation and the line that made the first non-finite value."""


class GradcheckError(AutogradError, AssertionError):
    """Analytic and numeric derivatives differ; the message has argument, position, both values."""


class CaptureError(AutogradError, RuntimeError):
    """Python asked a traced (abstract) array for its values.

    ``if x.sum() > 0:`` inside a traced function fails; ``ag.where(cond, a, b)`` is right.
    """


class ProofError(AutogradError, AssertionError):
    """A derivation could not be carried out; says at which primitive and why."""


class NoReadingError(ProofError):
    """A primitive is not read by one of the ways to prove.

    Attributes
    ----------
    primitive, kind : str
        Its name, and what kind of primitive it is.
    why : str
    """

    primitive: str = ""
    kind: str = ""
    why: str = ""

    @classmethod
    def saying(
        cls, primitive: str, kind: str, reading: str, why: str, remedy: str
    ) -> NoReadingError:
        """The error for a primitive that has no such reading."""
        error = cls(
            "symbolic", f"the primitive {primitive} ({kind}) has no {reading}: {why}. {remedy}"
        )
        error.primitive, error.kind, error.why = primitive, kind, why
        return error


class DisagreementError(ProofError):
    """A statement was proved, and what is run differs: an error of this library, to be reported.

    The message has the statement, the point and both values. Nothing that was proved of the program
    in question is to be relied on.
    """


class StateError(AutogradError, ValueError):
    """A state does not fit: every missing, unexpected and mis-shaped key in one message.

    Attributes
    ----------
    faults : tuple of str
        Those by themselves, for a message of others.
    """

    faults: tuple[str, ...] = ()

    @classmethod
    def listing(cls, operation: str, what: str, faults: Sequence[str], remedy: str) -> StateError:
        """An error that lists ``faults``, one a line, between what happened and what to do."""
        error = cls(operation, what + "\n  " + "\n  ".join(faults) + "\n" + remedy)
        error.faults = tuple(faults)
        return error


class CheckpointError(AutogradError, OSError):
    """A file of saved arrays is missing, damaged, or was not written by gradproof."""


class WorkerError(AutogradError, RuntimeError):
    """A process that works with or for this one has died, has failed, or does not answer."""


class DataError(AutogradError, ValueError):
    """A data set is missing, damaged or misread; names the file, what was expected and found."""


class ExportError(AutogradError, BufferError):
    """Memory cannot be handed to another library as it asks, such as ``copy=False`` in DLPack."""


class MissingDependencyError(AutogradError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""


class CompileWarning(UserWarning):
    """What was compiled is right, and slower than it could be; says why."""


class RecompileWarning(CompileWarning):
    """A function under `jit` is compiled again and again.

    Each new ``int`` does so: ``step(x, n)`` in a loop over n. Repaired: ``step(x, np.asarray(n))``, where
    n is a number to compute with.
    """
