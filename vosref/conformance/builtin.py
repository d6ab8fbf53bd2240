"""Our own implementations as subjects: what the judge must never fail, and an example of how a subject is made."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vosref.backend import use_cpu
from vosref.conformance.arithmetic import rounded
from vosref.conformance.capabilities import Capabilities, NotClaimedError
from vosref.conformance.operations.operation import Inputs, Operation, Options, Outputs
from vosref.conformance.subjects import Subject, to_namespace, to_numpy

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
    """The twins that training uses, in PyTorch, and the values and gradients that its autograd gives."""

    name = "torch"
    capabilities = Capabilities(WIDE, namespace="torch", squares="searched")

    def __init__(self) -> None:
        self._twins = importlib.import_module("vosref.train.matching")

    def global_matching(self, query: Any, reference: Any, labels: Any, /, *, n_neighbours: int) -> Any:
        """Match to the nearest pixel."""
        if n_neighbours != 1:
            raise NotClaimedError("only the nearest pixel is matched")
        return self._twins.global_matching(query, reference, labels)

    def local_matching(self, query: Any, previous: Any, labels: Any, /, **options: Any) -> Any:
        """Match in the window."""
        return self._twins.local_matching(query, previous, labels, **options)


def _cupy() -> Any:
    if importlib.util.find_spec("cupy") is None:
        raise ModuleNotFoundError("cupy is not installed; pip install 'vosref[cuda12]' or 'vosref[cuda13]'")
    return Definitions("cupy", namespace="cupy")


BUILTIN: Mapping[str, Callable[[], Any]] = {
    "definition": lambda: Definitions("definition"),
    "numba": lambda: Definitions("numba", tier="numba"),
    "array-api-strict": lambda: Definitions("array-api-strict", namespace="array_api_strict"),
    "torch": lambda: Subject(TorchTwins()),
    "torch-definition": lambda: Definitions("torch-definition", namespace="torch"),
    "cupy": _cupy,
    "float16": lambda: Half("float16"),
    "bfloat16": lambda: Half("bfloat16"),
}


def builtin(name: str, /) -> Any:
    """Return one of our implementations as a subject; ValueError for a name that none has."""
    if name not in BUILTIN:
        raise ValueError(f"a subject of ours is one of {', '.join(BUILTIN)}, got {name!r}")
    return BUILTIN[name]()
