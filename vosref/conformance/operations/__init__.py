"""The operations under contract, by name, in the order of the papers; gradients come last."""

from vosref.conformance.operations import (
    affinity,
    feelvos_video,
    gradients_layers,
    gradients_losses,
    gradients_matching,
    gradients_propagation,
    layers,
    losses,
    matching,
    propagation,
    resizing,
    sampling,
    scores,
    standardising,
    tvos_video,
)
from vosref.conformance.operations.operation import Operation

__all__ = ["OPERATIONS"]

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        matching.EMBEDDING_DISTANCE,
        matching.GLOBAL_MATCHING,
        matching.LOCAL_MATCHING,
        affinity.AFFINITY,
        affinity.NORMALISED_AFFINITY,
        propagation.PROPAGATE_ONLINE,
        propagation.PROPAGATE_RELEASED,
        propagation.SOFTMAX_VOTE,
        standardising.STANDARDISE,
        layers.CONV2D,
        layers.DEPTHWISE_CONV2D,
        layers.SEGMENTATION_HEAD,
        resizing.RESIZE_BILINEAR,
        resizing.RESIZE_NEAREST,
        resizing.TO_GRID,
        resizing.TO_MASK,
        sampling.REFERENCE_FRAMES,
        sampling.MOTION_PRIOR,
        feelvos_video.FEELVOS_VIDEO,
        tvos_video.TVOS_VIDEO,
        losses.TRANSDUCTIVE_LOSS,
        losses.CROSS_ENTROPY,
        losses.BOOTSTRAPPED_CROSS_ENTROPY,
        scores.REGION_SIMILARITY,
        scores.CONTOUR_ACCURACY,
        gradients_matching.EMBEDDING_DISTANCE_VJP,
        gradients_matching.GLOBAL_MATCHING_VJP,
        gradients_matching.LOCAL_MATCHING_VJP,
        gradients_propagation.PROPAGATE_ONLINE_VJP,
        gradients_propagation.PROPAGATE_RELEASED_VJP,
        gradients_propagation.SOFTMAX_VOTE_VJP,
        gradients_layers.CONV2D_VJP,
        gradients_layers.DEPTHWISE_CONV2D_VJP,
        gradients_layers.SEGMENTATION_HEAD_VJP,
        gradients_losses.TRANSDUCTIVE_LOSS_VJP,
        gradients_losses.CROSS_ENTROPY_VJP,
        gradients_losses.BOOTSTRAPPED_CROSS_ENTROPY_VJP,
    )
}
