"""What a definition and its twins must agree on before they compute: the shapes they take, and the 'same' rule.

Pure arithmetic on shapes, so it serves arrays of every namespace; it stands below both sides, which cannot import each
other.
"""

__all__ = ["check_convolution", "check_pairs", "same_padding"]


def check_convolution(layer, image, kernel, bias, n_out, /):
    """Raise ValueError unless a square kernel, an image (H, W, C) and a bias (n_out,) belong together."""
    n_in = kernel.shape[2]
    if kernel.shape[0] != kernel.shape[1]:
        raise ValueError(f"{layer} takes a square kernel (k, k, ...), got {kernel.shape}")
    if image.ndim != 3 or image.shape[2] != n_in or bias.shape != (n_out,):
        raise ValueError(
            f"{layer} takes an image (H, W, {n_in}) and a bias ({n_out},) for this kernel, "
            f"got {image.shape} and {bias.shape}"
        )


def check_pairs(query, references, sigma, /, *, grid=None):
    """Raise ValueError unless the target and its reference frames share D, the grid, and have a σ a frame."""
    if query.ndim != 2 or any(r.ndim != 2 or r.shape[1] != query.shape[1] for r in references):
        raise ValueError(
            f"query and every reference must be (pixels, D), got {query.shape} and {[r.shape for r in references]}"
        )
    if len(sigma) != len(references):
        raise ValueError(f"sigma must have one width a reference frame, {len(references)}, got {len(sigma)}")
    if grid is not None and any(x.shape[0] != grid[0] * grid[1] for x in (query, *references)):
        raise ValueError(f"query and references must have the grid's {grid[0]}x{grid[1]} pixels, got {query.shape[0]}")


def same_padding(size, kernel, stride, /):
    """Zeros before and after an axis under TensorFlow's 'same' rule: ceil(size / stride) outputs, an odd zero after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
