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

BAND = 16  # channels that a thread takes at a time


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
    pixels = (a.detach().permute(0, 2, 3, 1).contiguous().numpy() for a in (x, gradient))
    sums, workers = np.empty((shape[0], *shape[2:]), np.float32), torch.get_num_threads()
    arguments = *pixels, stride, np.array(padding), dilation, sums
    for_each_band(lambda a, b: _sum_taps(*arguments, a, b), shape[0], BAND, most_workers=workers)
    return torch.from_numpy(sums)[:, None]


@njit(cache=True, nogil=True)
def _sum_taps(image, gradient, stride, padding, dilation, sums, begin, end):
    """Lay out image and gradient alike, channel after channel: each tap is a dot product of two runs then.

    The gradient takes the places at which its windows begin; between and beside them it is 0.
    """
    n_images, height, width, _ = image.shape
    rows, row = height + 2 * padding[0], width + 2 * padding[1]
    length = ((gradient.shape[1] - 1) * row + gradient.shape[2] - 1) * stride + 1
    planes = np.zeros((end - begin, rows, row), np.float32)
    spread = np.zeros((end - begin, rows, row), np.float32)
    sums[begin:end] = 0
    for n in range(n_images):
        for y in range(height):
            for x in range(width):
                planes[:, padding[0] + y, padding[1] + x] = image[n, y, x, begin:end]
        for y in range(gradient.shape[1]):
            for x in range(gradient.shape[2]):
                spread[:, y * stride, x * stride] = gradient[n, y, x, begin:end]
        for c in range(end - begin):
            one, other = planes[c].ravel(), spread[c].ravel()[:length]
            for i in range(sums.shape[1]):
                for j in range(sums.shape[2]):
                    first = dilation * (i * row + j)
                    sums[begin + c, i, j] += np.dot(one[first : first + length], other)


def _begin_threads() -> None:
    """Let Numba begin its threads now, which sets the number of OpenMP's, PyTorch's too, and set that back.

    Else the first gradient would do so: the number that was asked for would hold until then, and a run that is resumed,
    which begins with another number than it stopped with, would round otherwise than one that is not.
    """
    before = torch.get_num_threads()
    get_num_threads()
    torch.set_num_threads(before)


_begin_threads()
