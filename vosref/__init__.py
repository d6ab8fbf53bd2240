"""Reference implementation of semi-supervised video object segmentation: FEELVOS and TVOS, equation by equation.

Names are loaded when they are first used; `import vosref` itself loads NumPy and nothing heavier.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    # Not the function `affinity`: once its module is loaded, `vosref.affinity` is the module.
    "affinity": ("degrees", "grid_positions", "normalised_affinity", "online_affinity", "spatial_term"),
    "backend": ("use_cpu", "use_threads"),
    "distance": ("embedding_distance",),
    "evaluation": ("contour_accuracy", "region_similarity", "sequence_scores"),
    "feelvos": ("FeelvosConfig", "FeelvosInfo", "FeelvosState", "FeelvosView"),
    "flow": ("affinity_flow",),
    "io": ("InputError", "MissingInputError", "open_frames", "read_mask", "write_mask"),
    "labels": ("harden", "object_ids", "to_grid", "to_mask", "upsample"),
    "losses": ("bootstrapped_cross_entropy", "cross_entropy", "hardest_pixels", "transductive_loss"),
    "matching": ("global_matching", "local_matching", "subsample"),
    "propagation": (
        "alpha_from_mu",
        "closed_form",
        "energy",
        "minimise_labelled",
        "online_energy",
        "propagate_iterative",
        "propagate_online",
        "propagate_released",
        "softmax_vote",
    ),
    "resize": ("resize_bilinear",),
    "sampling": ("motion_prior", "reference_frames"),
    "tvos": ("TvosConfig", "TvosInfo", "TvosState"),
    "video": ("configure", "segment_video"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *sorted(_MODULE_OF)]  # noqa: PLE0604 - the keys are strings


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'vosref' has no attribute {name!r}")
    return getattr(importlib.import_module(f"vosref.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(set(__all__) | set(globals()))
