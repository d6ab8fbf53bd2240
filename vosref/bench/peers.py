"""The same networks in eager PyTorch, ONNX Runtime and OpenVINO, to be timed against; nothing else imports those.

PyTorch runs a network as its users write it: NCHW, a convolution, then its batch norm, then its activation. The other
two run the graph that PyTorch exports of it, and fold and fuse it as they like.
"""

import importlib.util
import io
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vosref.nn.layers import NORM, Layers
from vosref.nn.networks import Network
from vosref.shapes import window_geometry

__all__ = ["PEERS", "TorchLayers", "available", "build", "tensors"]

PEERS = {
    "torch": ("torch",),
    "onnxruntime": ("torch", "onnx", "onnxruntime"),
    "openvino": ("torch", "onnx", "openvino"),
}


def available(peer: str, /) -> bool:
    """Tell whether the libraries that a peer needs are installed."""
    return all(importlib.util.find_spec(library) is not None for library in PEERS[peer])


def build(
    peer: str,
    network: Network,
    weights: Mapping[str, np.ndarray],
    image: np.ndarray,
    /,
    *,
    threads: int,
    **options: Any,
) -> Callable[[], np.ndarray]:
    """Return a function that runs a network once on a peer.

    Parameters
    ----------
    peer : str
        One of `PEERS`.
    network : Network
    weights : mapping of str to numpy.ndarray
        As in a file, with its batch norms.
    image : numpy.ndarray of float32, shape (H, W, 3)
        RGB, 0 to 255.
    threads : int
        How many the peer may use.
    **options
        Of the network.

    Returns
    -------
    callable
        Without arguments; it returns what the network does, shape (h, w, C).
    """
    import torch  # noqa: PLC0415 - only to be timed against

    torch.set_num_threads(threads)
    module, example = _module(network, weights, options), torch.from_numpy(image)
    if peer == "torch":

        def run() -> np.ndarray:
            with torch.inference_mode():
                return module(example).numpy()

        return run
    graph = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its exporter's age, and of sizes that it takes as constant, as they are
        torch.onnx.export(
            module,
            (example,),
            graph,
            input_names=["image"],
            dynamo=False,
            do_constant_folding=True,
        )
    start = {"onnxruntime": _onnxruntime, "openvino": _openvino}[peer]
    return start(graph.getvalue(), image, threads)


def _onnxruntime(graph: bytes, image: np.ndarray, threads: int) -> Callable[[], np.ndarray]:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"image": image})[0]


def _openvino(graph: bytes, image: np.ndarray, threads: int) -> Callable[[], np.ndarray]:
    import openvino  # noqa: PLC0415

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(graph), "CPU", settings)
    return lambda: compiled([image])[0]


def _module(network: Network, weights: Mapping[str, np.ndarray], options: dict[str, Any]) -> Any:
    import torch  # noqa: PLC0415

    arrays = tensors(weights)

    class Module(torch.nn.Module):
        def forward(self, image: Any) -> Any:
            return network.run(arrays, image, layers=TorchLayers, **options)[0].permute(1, 2, 0)

    return Module().eval()


def tensors(weights: Mapping[str, np.ndarray], /) -> dict[str, Any]:
    """Bring a model's weights to the layout of `TorchLayers`."""
    import torch  # noqa: PLC0415

    return {name: torch.from_numpy(_outputs_first(array)) for name, array in weights.items()}


def _outputs_first(array: np.ndarray) -> np.ndarray:
    if array.ndim == 4:
        array = array.transpose(3, 2, 0, 1)
    elif array.ndim == 3:
        array = array.transpose(2, 0, 1)[:, None]
    return np.array(array, order="C")


class TorchLayers(Layers):
    """Layers on PyTorch's tensors, (1, C, H, W) and (C_out, C_in, k, k)."""

    def standardise(self, image: Any, gain: list[float], offset: list[float]) -> Any:
        """As `Layers` does, after bringing (H, W, 3) to (1, 3, H, W)."""
        gains, offsets = (image.new_tensor(v)[:, None, None] for v in (gain, offset))
        return (image.permute(2, 0, 1)[None] * gains + offsets).contiguous()

    def conv(self, name: str, x: Any, shortcut: Any = None, **options: Any) -> Any:
        """Convolution, norm, shortcut, activation."""
        return self._convolve(name, x, shortcut, 1, **options)

    def depthwise(self, name: str, x: Any, *, rectify: bool = False, **options: Any) -> Any:
        """Activation if asked, convolution in as many groups as channels, norm, activation."""
        return self._convolve(name, x.relu() if rectify else x, None, self.channels(x), **options)

    def _convolve(
        self, name, x, shortcut, groups, *, stride=1, dilation=1, padding=None, activation=None
    ):  # untyped as the tensors are
        from torch.nn import functional  # noqa: PLC0415

        kernel = self.weights[f"{name}/kernel"]
        size, taps = (tuple(map(int, t.shape[2:])) for t in (x, kernel))  # no tensors, as they are under export
        padding = dilation * (taps[0] - 1) // 2 if padding is None else padding
        pads, _ = window_geometry(size, taps, stride=stride, dilation=dilation, padding=padding)
        (top, bottom), (left, right) = pads
        if (top, left) != (bottom, right):
            x, top, left = functional.pad(x, (left, right, top, bottom)), 0, 0
        bias = self.weights.get(f"{name}/bias")
        x = functional.conv2d(x, kernel, bias, stride, (top, left), dilation, groups)
        if f"{name}/scale" in self.weights:
            scale, offset, mean, variance = (self.weights[f"{name}/{part}"] for part in NORM)
            x = functional.batch_norm(x, mean, variance, scale, offset, eps=self.epsilon(name))
        x = x if shortcut is None else x + shortcut
        return x if activation is None else functional.relu6(x) if activation == "relu6" else functional.relu(x)

    def max_pool(self, name: str, x: Any, **options: Any) -> Any:  # noqa: ARG002
        """Largest of every window."""
        from torch.nn import functional  # noqa: PLC0415

        return functional.max_pool2d(x, options["size"], options["stride"], options["padding"])

    def mean(self, name: str, x: Any) -> Any:  # noqa: ARG002
        """Mean over all pixels."""
        return x.mean((2, 3), keepdim=True)

    def resize(self, name: str, x: Any, size: tuple[int, int]) -> Any:  # noqa: ARG002
        """Bilinear, with aligned corners."""
        from torch.nn import functional  # noqa: PLC0415

        return functional.interpolate(x, size, mode="bilinear", align_corners=True)

    def concat(self, name: str, parts: list[Any]) -> Any:  # noqa: ARG002
        """Join channels."""
        import torch  # noqa: PLC0415

        return torch.cat(parts, 1)

    def width(self, name: str) -> int:
        """Channels that a layer puts out."""
        return int(self.weights[f"{name}/kernel"].shape[0])

    def channels(self, x: Any) -> int:
        """Channels of a feature map."""
        return int(x.shape[1])

    def size(self, x: Any) -> tuple[int, int]:
        """Rows and columns of a feature map."""
        return int(x.shape[2]), int(x.shape[3])
