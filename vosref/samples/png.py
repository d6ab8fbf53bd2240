"""PNG files whose bytes depend on the picture alone, for `samples`.

PNG compresses with zlib, whose choices differ between its releases and forks. So the compression is written out here:
runs of one byte, then one Huffman code (RFC 1951), which suits pictures as smooth as the samples.
"""

import heapq
import zlib

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def png(image: Bytes, /, *, palette: bytes = b"") -> bytes:
    """Encode an image, every row in the Paeth filter.

    Parameters
    ----------
    image : array, shape (H, W, 3), or (H, W) where there is a palette
        uint8.
    palette : bytes
        256 colours, 3 bytes each.

    Returns
    -------
    bytes
        The file.
    """
    height, width = image.shape[:2]
    raw = np.zeros((height + 1, width + 1, 1 if palette else 3), dtype=np.int64)
    raw[1:, 1:] = image.reshape(height, width, -1)
    left, up, corner = raw[1:, :-1], raw[:-1, 1:], raw[:-1, :-1]
    a, b, c = np.abs(up - corner), np.abs(left - corner), np.abs(left + up - 2 * corner)
    guess = np.where((a <= b) & (a <= c), left, np.where(b <= c, up, corner))
    rows = np.insert((raw[1:, 1:] - guess).reshape(height, -1) % 256, 0, 4, axis=1)
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 3 if palette else 2, 0, 0, 0])
    chunks = {b"IHDR": head, b"PLTE": palette, b"IDAT": _deflate(rows.astype(np.uint8).ravel()), b"IEND": b""}
    parts = [(len(body), kind + body) for kind, body in chunks.items() if body or kind == b"IEND"]
    packed = [n.to_bytes(4, "big") + part + zlib.crc32(part).to_bytes(4, "big") for n, part in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _deflate(data: Bytes) -> bytes:
    """Return a zlib stream (RFC 1950, 1951): one block of runs in one Huffman code."""
    tokens = _tokens(data)
    lengths = _code_lengths(np.bincount(tokens, minlength=286).tolist())
    bits, used = np.zeros((286, 16), dtype=np.uint8), np.zeros((286, 16), dtype=bool)
    code = previous = 0
    for length, symbol in sorted((n, s) for s, n in enumerate(lengths) if n):
        code <<= length - previous
        bits[symbol, :length] = [(code >> i) & 1 for i in reversed(range(length))]
        # A run ends in the one bit of its distance, which is always 1 byte.
        used[symbol, : length + (symbol > 256)] = True
        code, previous = code + 1, length
    # The last block, with a code of its own, of 286 symbols and 1 distance, their lengths in 4 bits each.
    fields = [(1, 1), (2, 2), (29, 5), (0, 5), (15, 4), *[(0, 3)] * 3, *[(4, 3)] * 16]
    head = [(value >> i) & 1 for value, size in fields for i in range(size)]
    head += [(n >> i) & 1 for n in (*lengths, 1) for i in (3, 2, 1, 0)]
    stream = np.packbits(np.append(np.array(head, dtype=np.uint8), bits[tokens][used[tokens]]), bitorder="little")
    return b"\x78\x01" + stream.tobytes() + zlib.adler32(data.tobytes()).to_bytes(4, "big")


def _tokens(data: Bytes) -> NDArray[np.int64]:
    """Return each run of equal bytes as the byte, repeats of 258 (285) and of 10 (264), and the rest as bytes."""
    starts = np.flatnonzero(np.append(True, data[1:] != data[:-1]))
    byte = data[starts].astype(np.int64)
    long, rest = np.divmod(np.diff(np.append(starts, data.size)) - 1, 258)
    counts = np.stack([np.ones_like(byte), long, rest // 10, rest % 10], axis=1)
    symbols = np.stack([byte, np.full_like(byte, 285), np.full_like(byte, 264), byte], axis=1)
    return np.append(np.repeat(symbols.ravel(), counts.ravel()), 256)


def _code_lengths(counts: list[int]) -> list[int]:
    """Return Huffman's code lengths; a floor under the counts keeps them to the 15 bits that deflate allows."""
    floor = sum(counts) // 2000 + 1
    heap = [(max(n, floor), symbol, [symbol]) for symbol, n in enumerate(counts) if n]
    heapq.heapify(heap)
    lengths = [0] * len(counts)
    while len(heap) > 1:
        (n, first, low), (m, _, high) = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in low + high:
            lengths[symbol] += 1
        heapq.heappush(heap, (n + m, first, low + high))
    return lengths
