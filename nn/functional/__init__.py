"""Layers and losses as functions of their parameters: what is differentiated, drawn and proved.

All are composites of the engine's functions. None has a backward of its own, none asks for a
value (so each can be traced, for every batch size at once), and counts enter as exact integers.
"""

# The rest is made by `make docs`, of the `__all__` of each file.
from .activations import (
    celu,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    log_softmax,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softmin,
    softplus,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
    threshold,
)
from .attention import masked_softmax, multi_head_attention, scaled_dot_product_attention
from .binary import binary_cross_entropy, binary_cross_entropy_with_logits
from .classification import cross_entropy, hinge_loss, multi_margin_loss, nll_loss
from .convolutions import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from .divergences import kl_div
from .embeddings import embedding
from .fractional_pooling import fractional_edges, fractional_max_pool2d
from .noise import (
    alpha_dropout,
    bernoulli,
    box_muller,
    connected,
    drop_connect,
    dropout,
    flip_labels,
    moment_matched,
    shakeout,
    standard_normal,
    whiteout_spread,
)
from .normalization import (
    batch_norm,
    batch_norm_with_statistics,
    group_norm,
    instance_norm,
    layer_norm,
    normalize,
)
from .penalties import elastic_net, group_lasso, kl_sparsity, l1, l2, soft_threshold
from .pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from .products import bilinear, linear
from .projections import project_l1_ball, project_l2_ball, project_max_norm, project_simplex
from .recurrent import gru_cell, lstm_cell, recurrence, rnn_cell, zoneout
from .regression import huber_loss, l1_loss, mse_loss, smooth_l1_loss, squared_error

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "batch_norm_with_statistics",
    "bernoulli",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "box_muller",
    "celu",
    "connected",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cross_entropy",
    "drop_connect",
    "dropout",
    "elastic_net",
    "elu",
    "embedding",
    "flip_labels",
    "fractional_edges",
    "fractional_max_pool2d",
    "gelu",
    "glu",
    "group_lasso",
    "group_norm",
    "gru_cell",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hinge_loss",
    "huber_loss",
    "instance_norm",
    "kl_div",
    "kl_sparsity",
    "l1",
    "l1_loss",
    "l2",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "lstm_cell",
    "masked_softmax",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "moment_matched",
    "mse_loss",
    "multi_head_attention",
    "multi_margin_loss",
    "nll_loss",
    "normalize",
    "prelu",
    "project_l1_ball",
    "project_l2_ball",
    "project_max_norm",
    "project_simplex",
    "recurrence",
    "relu",
    "relu6",
    "rnn_cell",
    "scaled_dot_product_attention",
    "selu",
    "shakeout",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_threshold",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "squared_error",
    "standard_normal",
    "tanh",
    "tanhshrink",
    "threshold",
    "whiteout_spread",
    "zoneout",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
