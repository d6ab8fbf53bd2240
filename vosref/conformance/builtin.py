"""Our own implementations as subjects: what the judge must never fail, and an example of how a subject is made."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vosref import distance, losses, propagation
from vosref.backend import use_cpu
from vosref.conformance.arithmetic import rounded
from vosref.conformance.capabilities import Capabilities, NotClaimedError
from vosref.conformance.namespaces import to_namespace, to_numpy
from vosref.conformance.operations.operation import Inputs, Operation, Options, Outputs
from vosref.conformance.subjects import Subject
from vosref.nn import ops

__all__ = ["BUILTIN", "Definitions", "Half", "TorchTwins", "builtin"]

WIDE = ("float64", "float32")


class Definitions:
    """The definitions, or their twins, on arrays of one namespace.

    Parameters
    ----------
    name : str
    tier : {"numpy", "numba"}
        Of NumPy arrays: the definitions, or their twins.
    namespace, device : str
        As in `Capabilities`.
    """

    def __init__(self, name: str, *, tier: str = "numpy", namespace: str = "numpy", device: str | None = None) -> None:
        self.name, self.tier = name, tier
        self.capabilities = Capabilities(WIDE, namespace=namespace, device=device)

    def claims(self, operation: Operation, dtype: str, /) -> bool:
        """Every operation, but for what is of NumPy alone."""
        numpy_only = self.capabilities.namespace != "numpy" and operation.numpy_only
        return dtype in self.capabilities.dtypes and not numpy_only

    def run(self, operation: Operation, inputs: Inputs, options: Options, dtype: str, /) -> Outputs:
        """Compute an operation by its definition."""
        arrays = [to_namespace(value, dtype, self.capabilities) for value in inputs.values()]
        with use_cpu(self.tier):
            results = operation.reference(*arrays, **options)
        return {name: to_numpy(value) for name, value in results.items()}


class Half:
    """The definitions in half precision, as a GPU computes: inputs and results in it, all between in float32."""

    def __init__(self, dtype: str) -> None:
        self.name = dtype
        self.capabilities = Capabilities((dtype,), accumulate={dtype: "float32"})

    def claims(self, operation: Operation, dtype: str, /) -> bool:
        """Every operation that is of half precision."""
        return dtype in self.capabilities.dtypes and dtype in operation.dtypes

    def run(self, operation: Operation, inputs: Inputs, options: Options, dtype: str, /) -> Outputs:
        """Compute an operation in float32, and round what it returns."""
        single = Capabilities(("float32",))
        arrays = [to_namespace(value, "float32", single) for value in inputs.values()]
        with use_cpu("numpy"):
            results = {name: np.asarray(value) for name, value in operation.reference(*arrays, **options).items()}
        kept = {name: rounded(v, dtype) if v.dtype.kind == "f" else v for name, v in results.items()}
        return {name: v.astype(np.float64) if v.dtype.kind == "f" else v for name, v in kept.items()}


class TorchTwins:
    """What training uses, in PyTorch: its own matchings, and the gradients that autograd gives.

    Where training has no twin, autograd goes through the definition.
    """

    name = "torch"
    capabilities = Capabilities(WIDE, namespace="torch", squares="searched")

    def global_matching(self, query: Any, reference: Any, labels: Any, /, *, n_neighbours: int) -> Any:
        """Match to the nearest pixel."""
        if n_neighbours != 1:
            raise NotClaimedError("only the nearest pixel is matched")
        return _twins().global_matching(query, reference, labels)

    def local_matching(self, query: Any, previous: Any, labels: Any, /, **options: Any) -> Any:
        """Match in the window."""
        return _twins().local_matching(query, previous, labels, **options)

    def global_matching_vjp(self, cotangent: Any, *arrays: Any, **options: Any) -> Any:
        """Differentiate the twin."""
        return _pulled_back(self.global_matching, cotangent, arrays, 2, options)

    def local_matching_vjp(self, cotangent: Any, *arrays: Any, **options: Any) -> Any:
        """Differentiate the twin."""
        return _pulled_back(self.local_matching, cotangent, arrays, 2, options)

    def embedding_distance_vjp(self, cotangent: Any, *arrays: Any) -> Any:
        """Differentiate the definition."""
        return _pulled_back(distance.embedding_distance, cotangent, arrays, 2, {})

    def softmax_vote_vjp(self, cotangent: Any, *arrays: Any, **options: Any) -> Any:
        """Differentiate the definition."""
        return _pulled_back(propagation.softmax_vote, cotangent, arrays, 3, options)

    def propagate_online_vjp(self, cotangent: Any, *arrays: Any, **options: Any) -> Any:
        """Differentiate the definition."""
        return _pulled_back(propagation.propagate_online, cotangent, arrays, 3, options)

    def propagate_released_vjp(self, cotangent: Any, *arrays: Any, **options: Any) -> Any:
        """Differentiate the definition."""
        return _pulled_back(propagation.propagate_released, cotangent, arrays, 3, options)

    def conv2d_vjp(self, cotangent: Any, *arrays: Any, **options: Any) -> Any:
        """Differentiate the definition."""
        return _pulled_back(ops.conv2d, cotangent, arrays, 2, options)

    def depthwise_conv2d_vjp(self, cotangent: Any, *arrays: Any, **options: Any) -> Any:
        """Differentiate the definition."""
        return _pulled_back(ops.depthwise_conv2d, cotangent, arrays, 2, options)

    def transductive_loss_vjp(self, cotangent: Any, *arrays: Any, **options: Any) -> Any:
        """Differentiate the definition."""
        return _pulled_back(losses.transductive_loss, cotangent, arrays, 1, options)[0]

    def cross_entropy_vjp(self, cotangent: Any, *arrays: Any) -> Any:
        """Differentiate the definition."""
        return _pulled_back(losses.cross_entropy, cotangent, arrays, 1, {})[0]

    def bootstrapped_cross_entropy_vjp(self, cotangent: Any, *arrays: Any, **options: Any) -> Any:
        """Differentiate the definition."""
        return _pulled_back(losses.bootstrapped_cross_entropy, cotangent, arrays, 1, options)[0]


def _twins() -> Any:
    return importlib.import_module("vosref.train.matching")


def _pulled_back(function: Any, cotangent: Any, arrays: Any, n: int, options: Options) -> tuple[Any, ...]:
    """Return autograd's gradients by the first n arrays."""
    leaves = [array.clone().requires_grad_() for array in arrays[:n]]
    result = function(*leaves, *arrays[n:], **options)
    if not result.requires_grad:  # nothing depends on anything: every object is absent
        return tuple(array * 0 for array in leaves)
    torch = importlib.import_module("torch")
    gradients = torch.autograd.grad(result, leaves, cotangent, allow_unused=True)
    return tuple(array * 0 if g is None else g for array, g in zip(leaves, gradients, strict=True))


BUILTIN: Mapping[str, Callable[[], Any]] = {
    "definition": lambda: Definitions("definition"),
    "numba": lambda: Definitions("numba", tier="numba"),
    "array-api-strict": lambda: Definitions("array-api-strict", namespace="array_api_strict"),
    "torch": lambda: Subject(TorchTwins()),
    "torch-definition": lambda: Definitions("torch-definition", namespace="torch"),
    "cupy": lambda: Definitions("cupy", namespace="cupy"),
    "float16": lambda: Half("float16"),
    "bfloat16": lambda: Half("bfloat16"),
}


# What they need, and how it is installed.
NEEDED = {
    "array-api-strict": ("array_api_strict", "array-api-strict"),
    "torch": ("torch", "'vosref[train]'"),
    "torch-definition": ("torch", "'vosref[train]'"),
    "cupy": ("cupy", "'vosref[cuda12]' or 'vosref[cuda13]'"),
}


def builtin(name: str, /) -> Any:
    """Return one of our implementations as a subject.

    Raises
    ------
    ValueError
        If none has that name.
    ModuleNotFoundError
        If the library that it needs is not installed.
    """
    if name not in BUILTIN:
        raise ValueError(f"a subject of ours is one of {', '.join(BUILTIN)}, got {name!r}")
    module, package = NEEDED.get(name, ("numpy", "numpy"))
    if importlib.util.find_spec(module) is None:
        raise ModuleNotFoundError(f"{module} is not installed, which the subject {name} needs; pip install {package}")
    return BUILTIN[name]()
