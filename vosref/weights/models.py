"""The one place that lists the networks whose weights are known."""

import functools
from collections.abc import Callable

from vosref.weights.efficientnet import efficientnet_lite, feelvos_lite, tvos_lite
from vosref.weights.errors import WeightsError
from vosref.weights.resnet import plain_resnet, tvos_resnet
from vosref.weights.tables import Model, Scheme
from vosref.weights.xception import feelvos_xception65

__all__ = ["MODELS", "model"]

_MAKERS: dict[str, Callable[[], Model]] = {
    "tvos-resnet18": functools.partial(tvos_resnet, 18),
    "tvos-resnet50": functools.partial(tvos_resnet, 50),
    "tvos-resnet101": functools.partial(tvos_resnet, 101),
    "resnet18": functools.partial(plain_resnet, 18),
    "resnet50": functools.partial(plain_resnet, 50),
    "tvos-lite0": functools.partial(tvos_lite, 0),
    "tvos-lite1": functools.partial(tvos_lite, 1),
    "tvos-lite2": functools.partial(tvos_lite, 2),
    "feelvos-lite0": functools.partial(feelvos_lite, 0),
    "feelvos-lite0-258": functools.partial(feelvos_lite, 0, 2),
    "feelvos-lite0-257": functools.partial(feelvos_lite, 0, 1),
    "feelvos-lite1": functools.partial(feelvos_lite, 1),
    "feelvos-lite2": functools.partial(feelvos_lite, 2),
    "feelvos-xception65": feelvos_xception65,
    "feelvos-xception65-258": functools.partial(feelvos_xception65, 2),
    "feelvos-xception65-257": functools.partial(feelvos_xception65, 1),
    "lite0": functools.partial(efficientnet_lite, 0),
    "lite1": functools.partial(efficientnet_lite, 1),
    "lite2": functools.partial(efficientnet_lite, 2),
}
MODELS = tuple(_MAKERS)


@functools.cache
def model(name: str, /) -> Model:
    """Return a network's table of arrays, with the ways to name them; ours is always one.

    Raises
    ------
    WeightsError
        If no network has this name.
    """
    if name not in _MAKERS:
        raise WeightsError(f"model must be one of {', '.join(MODELS)}, got {name!r}")
    made = _MAKERS[name]()
    ours = Scheme("vosref", "ours", {array.name: array.name for array in (*made.arrays, *made.optional)})
    return made._replace(schemes=(*made.schemes, ours))
