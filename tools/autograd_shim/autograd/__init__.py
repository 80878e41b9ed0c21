"""A package named autograd, for HIPS/autograd's own tests: its interface, our engine.

`autograd.numpy` is NumPy itself, so that these tests also try NumPy's protocols on our tensors.
What only that project's inside offers (boxes, vector spaces, its declaration of primitives) stands
here as a name that raises `InternalInterfaceError` when it is used.
"""

import sys

import numpy as np

sys.modules[f"{__name__}.numpy"] = np
sys.modules[f"{__name__}.numpy.random"] = np.random
sys.modules[f"{__name__}.numpy.linalg"] = np.linalg
sys.modules[f"{__name__}.numpy.fft"] = np.fft

from .builtins import dict, isinstance, list, tuple  # noqa: E402
from .differential_operators import (  # noqa: E402
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)
