"""Reference gradients: each definition's vector-Jacobian product, derived by hand, the derivation in its docstring.

A vector-Jacobian product takes the cotangent of a result, ∂L/∂(result) for some scalar L, and gives the cotangents of
what the result was computed from. The cotangent comes first, then exactly the definition's arrays, then its options.
They serve to be read, and to hold a training's own gradients to; none records what the definition computed on its way.

Ties. A minimum, or the n smallest, pass their cotangent to the first pixel in row-major order among equal ones; the
derivative of a ReLU at 0 is 0; among pixels of equal loss the first is the hardest.
"""

from vosref.gradients.head import segmentation_head_vjp
from vosref.gradients.layers import conv2d_vjp, depthwise_conv2d_vjp
from vosref.gradients.losses import bootstrapped_cross_entropy_vjp, cross_entropy_vjp, transductive_loss_vjp
from vosref.gradients.matching import embedding_distance_vjp, global_matching_vjp, local_matching_vjp
from vosref.gradients.propagation import propagate_online_vjp, propagate_released_vjp, softmax_vote_vjp

__all__ = [
    "bootstrapped_cross_entropy_vjp",
    "conv2d_vjp",
    "cross_entropy_vjp",
    "depthwise_conv2d_vjp",
    "embedding_distance_vjp",
    "global_matching_vjp",
    "local_matching_vjp",
    "propagate_online_vjp",
    "propagate_released_vjp",
    "segmentation_head_vjp",
    "softmax_vote_vjp",
    "transductive_loss_vjp",
]
