"""Split an axis so that an array over all pairs of pixels never exists whole; sizes from a byte budget."""

from collections.abc import Iterator

__all__ = ["DEFAULT_MEMORY", "check_memory", "rows_within", "slices", "tapered", "tiles"]

DEFAULT_MEMORY = 256 * 2**20  # bytes of working memory beside inputs and outputs


def slices(length: int, size: int, /) -> Iterator[slice]:
    """Cover ``range(length)`` with slices of `size`, the last one shorter where it must be."""
    if size < 1:
        raise ValueError(f"size must be 1 or more, got {size}")
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def tapered(length: int, most: int, /, *, multiple: int = 1) -> Iterator[slice]:
    """Cover ``range(length)`` with slices of `most`, and of down to half as much at the end.

    Whoever takes the last of them does not keep the others waiting for long. Sizes are multiples of `multiple` where
    they are not the rest.
    """
    start = 0
    while start < length:
        half = (length - start) // 2 // multiple * multiple
        size = max(1, min(most, max(half, most // 2 // multiple * multiple)))
        yield slice(start, min(start + size, length))
        start += size


def check_memory(memory: int, /) -> None:
    """Raise ValueError unless there are bytes to work in."""
    if memory <= 0:
        raise ValueError(f"memory must be a positive number of bytes, got {memory}")


def rows_within(memory: int, bytes_per_row: int, /) -> int:
    """Return how many rows fit into `memory` bytes, at least one."""
    check_memory(memory)
    return max(1, memory // bytes_per_row)


def tiles(
    memory: int, n_rows: int, n_columns: int, /, *, bytes_per_pair: int, max_rows: int = 512, max_columns: int = 4096
) -> tuple[int, int]:
    """Choose a tile (rows, columns) of an (n_rows, n_columns) array that costs at most `memory` bytes.

    Wide tiles come first: a long inner axis suits both the matrix product and the reductions. Beyond `max_rows` and
    `max_columns` a tile leaves the cache and gains nothing.
    """
    columns = min(n_columns, max_columns, rows_within(memory, bytes_per_pair))
    return min(n_rows, max_rows, rows_within(memory, columns * bytes_per_pair)), columns
