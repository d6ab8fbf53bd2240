"""Depthwise convolution whose kernel's gradient is summed by a loop of its own, several times faster on a processor.

PyTorch's forward pass and its gradient of the image are fast. Its gradient of the kernel, a sum over all pixels for
each tap and channel, takes most of a training step of networks that are made of such layers.
"""

from typing import Any

import numpy as np
import torch
from numba import get_num_threads, njit
from torch.nn import functional

from vosref.kernels.threads import for_each_band

__all__ = ["depthwise_conv2d"]

LANES = 16  # channels whose sums stay in a vector register each


def depthwise_conv2d(
    x: torch.Tensor,
    kernel: torch.Tensor,
    bias: torch.Tensor | None,
    stride: int,
    padding: tuple[int, int],
    dilation: int,
    /,
) -> torch.Tensor:
    """Convolve every channel of (N, C, H, W) with its own kernel (C, 1, kh, kw), and add the bias (C,)."""
    if x.device.type != "cpu" or x.dtype != torch.float32 or not kernel.requires_grad:
        return functional.conv2d(x, kernel, bias, stride, padding, dilation, x.shape[1])
    x = x.contiguous(memory_format=torch.channels_last)
    x = _Depthwise.apply(x, kernel, stride, padding, dilation)
    return x if bias is None else x + bias.reshape(1, -1, 1, 1)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, kernel: torch.Tensor, stride: int, padding: Any, dilation: int) -> Any:
        ctx.save_for_backward(x, kernel)
        ctx.sampling = stride, padding, dilation
        return functional.conv2d(x, kernel, None, stride, padding, dilation, x.shape[1])

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        (x, kernel), (stride, padding, dilation) = ctx.saved_tensors, ctx.sampling
        of_x = None
        if ctx.needs_input_grad[0]:
            options = [stride] * 2, list(padding), [dilation] * 2, False, [0, 0], x.shape[1], (True, False, False)
            of_x = torch.ops.aten.convolution_backward(gradient, x, kernel, None, *options)[0]
        return of_x, _of_kernel(x, gradient, kernel.shape, stride, padding, dilation), None, None, None


def _of_kernel(
    x: torch.Tensor, gradient: torch.Tensor, shape: Any, stride: int, padding: tuple[int, int], dilation: int
) -> torch.Tensor:
    (rows, columns), (kh, kw) = padding, shape[2:]
    padded = np.pad(x.detach().permute(0, 2, 3, 1).numpy(), ((0, 0), (rows, rows), (columns, columns), (0, 0)))
    of_out = np.ascontiguousarray(gradient.permute(0, 2, 3, 1).numpy())
    sums = np.empty((kh, kw, shape[0]), np.float32)
    workers = torch.get_num_threads()
    for_each_band(
        lambda a, b: _sum_taps(padded, of_out, stride, dilation, sums, a, b), shape[0], LANES, most_workers=workers
    )
    return torch.from_numpy(sums).permute(2, 0, 1)[:, None]


@njit(cache=True, nogil=True, fastmath=True)
def _sum_taps(padded, of_out, stride, dilation, sums, begin, end):
    kh, kw, width = sums.shape[0], sums.shape[1], end - begin
    image = np.zeros((*padded.shape[1:3], LANES), np.float32)
    out = np.zeros((*of_out.shape[1:3], LANES), np.float32)
    acc = np.zeros((kh, kw, LANES), np.float32)
    for n in range(of_out.shape[0]):
        image[:, :, :width] = padded[n, :, :, begin:end]
        out[:, :, :width] = of_out[n, :, :, begin:end]
        for i in range(kh):
            for j in range(kw):
                total = acc[i, j]
                for y in range(out.shape[0]):
                    for x in range(out.shape[1]):
                        for c in range(LANES):
                            total[c] += image[y * stride + i * dilation, x * stride + j * dilation, c] * out[y, x, c]
    sums[:, :, begin:end] = acc[:, :, :width]


def _begin_threads() -> None:
    """Let Numba begin its threads now, which sets the number of OpenMP's, PyTorch's too, and set that back.

    Else the first gradient would do so: the number that was asked for would hold until then, and a run that is resumed,
    which begins with another number than it stopped with, would round otherwise than one that is not.
    """
    before = torch.get_num_threads()
    get_num_threads()
    torch.set_num_threads(before)


_begin_threads()
