"""`vosref.blocks`: slices cover, and tiles keep to their budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.blocks import DEFAULT_MEMORY, rows_within, slices, tapered, tiles

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


@given(length=st.integers(0, 10**4), most=st.integers(1, 700), multiple=st.sampled_from([1, 16, 64]))
def test_tapered_slices_cover_every_index_once_and_get_no_smaller_than_half(length, most, multiple):
    blocks = list(tapered(length, most, multiple=multiple))
    sizes = [block.stop - block.start for block in blocks]
    assert [block.start for block in blocks] == [sum(sizes[:i]) for i in range(len(sizes))]
    assert sum(sizes) == length
    assert all(1 <= size <= most for size in sizes)
    assert sizes[:-1] == sorted(sizes[:-1], reverse=True)
    assert all(size >= most // 2 // multiple * multiple for size in sizes[:-1])


def test_tapered_slices_are_whole_multiples_but_for_the_rest():
    sizes = [block.stop - block.start for block in tapered(6420, 640, multiple=64)]
    assert sizes == [640] * 9 + [320, 320, 20]
