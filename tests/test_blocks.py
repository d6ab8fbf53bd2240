"""`vosref.blocks`: slices cover, and tiles keep to their budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.blocks import DEFAULT_MEMORY, even_size, rows_within, slices, tiles

SIZES = st.integers(1, 10**6)


@given(length=st.integers(0, 200), size=st.integers(1, 250))
def test_slices_cover_every_index_once_and_in_order(length, size):
    blocks = list(slices(length, size))
    assert [i for block in blocks for i in range(length)[block]] == list(range(length))
    assert all(block.stop - block.start == size for block in blocks[:-1])
    assert all(0 <= block.start < block.stop <= length for block in blocks)


@pytest.mark.parametrize("size", [0, -3])
def test_slices_of_no_length_are_refused(size):
    with pytest.raises(ValueError, match=f"size must be 1 or more, got {size}"):
        list(slices(5, size))


@given(memory=SIZES, bytes_per_row=SIZES)
def test_rows_are_as_many_as_fit_and_at_least_one(memory, bytes_per_row):
    rows = rows_within(memory, bytes_per_row)
    assert rows * bytes_per_row <= memory or rows == 1
    assert (rows + 1) * bytes_per_row > memory


@given(memory=SIZES, n_rows=SIZES, n_columns=SIZES, bytes_per_pair=st.integers(1, 64))
def test_a_tile_keeps_its_budget_and_is_never_empty_or_larger_than_the_array(memory, n_rows, n_columns, bytes_per_pair):
    rows, columns = tiles(memory, n_rows, n_columns, bytes_per_pair=bytes_per_pair)
    assert 1 <= rows <= n_rows
    assert 1 <= columns <= n_columns
    assert rows * columns * bytes_per_pair <= max(memory, bytes_per_pair)  # one pair is the least a tile can hold


@given(memory=SIZES, n_rows=SIZES, n_columns=SIZES, max_rows=st.integers(1, 9), max_columns=st.integers(1, 9))
def test_a_tile_is_wide_first_and_stops_where_a_row_more_would_not_fit(
    memory, n_rows, n_columns, max_rows, max_columns
):
    limits = {"max_rows": max_rows, "max_columns": max_columns}
    rows, columns = tiles(memory, n_rows, n_columns, bytes_per_pair=8, **limits)
    assert rows <= max_rows
    assert columns == max(1, min(n_columns, max_columns, memory // 8))
    assert rows in (n_rows, max_rows) or (rows + 1) * columns * 8 > memory


def test_the_default_budget_holds_a_whole_davis_grid_in_cache_sized_tiles():  # stride 8 of 480p: 60 × 107 cells
    assert tiles(DEFAULT_MEMORY, 6420, 6420, bytes_per_pair=8) == (512, 4096)


@pytest.mark.parametrize("memory", [0, -1])
def test_no_memory_is_refused(memory):
    with pytest.raises(ValueError, match=f"memory must be a positive number of bytes, got {memory}"):
        rows_within(memory, 8)
    with pytest.raises(ValueError, match=f"memory must be a positive number of bytes, got {memory}"):
        tiles(memory, 2, 2, bytes_per_pair=8)


@given(length=st.integers(1, 10**5), most=st.integers(1, 600), workers=st.sampled_from([1, 2, 4, 8]))
def test_even_sizes_leave_no_worker_more_than_one_slice_ahead(length, most, workers):
    size = even_size(length, most)
    assert 1 <= size <= most
    shares = [0] * workers
    for i, block in enumerate(slices(length, size)):
        shares[i % workers] += block.stop - block.start
    assert max(shares) - min(shares) <= size


def test_even_sizes_are_of_whole_registers():
    assert even_size(6420, 512, multiple=16) == 416
    assert even_size(5, 512, multiple=16) == 16
    assert even_size(100, 8, multiple=16) == 8
