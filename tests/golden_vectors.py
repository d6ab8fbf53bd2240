"""Golden vectors for the tests of their files: some operations, and results as somebody else would write them."""

from contextlib import contextmanager

from vosref.conformance.array_files import write_arrays
from vosref.conformance.case_files import read_case
from vosref.conformance.judge import reference
from vosref.conformance.manifest import read_manifest
from vosref.conformance.operations import OPERATIONS

SOME = ("local_matching", "to_mask", "resize_nearest")  # judged by bounds, by allowed labels, by equality
CASE = "local_matching+window_clipped@1~0=float32"


@contextmanager
def without(name):
    """Let there be no such operation for a while; afterwards all are there again, in their order."""
    known = dict(OPERATIONS)
    del OPERATIONS[name]
    try:
        yield
    finally:
        OPERATIONS.clear()
        OPERATIONS.update(known)


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def answered(vectors_folder, got, change=lambda results, case: results):
    """Write the definitions' results, as somebody else would."""
    for case in read_manifest(vectors_folder)["cases"]:
        asked = read_case(vectors_folder / case["folder"])
        exact = reference(OPERATIONS[asked.operation], asked.inputs, asked.options)
        if (results := change(dict(exact), case)) is not None:
            (got / case["folder"]).mkdir(parents=True, exist_ok=True)
            write_arrays(got / case["folder"], asked.results, results)
    return got
