"""What is right is never failed: our own implementations in more than a thousand random cases each."""

import importlib.util
import pickle

import pytest

from vosref.conformance.builtin import BUILTIN, builtin
from vosref.conformance.checks import checks_for, run_check
from vosref.conformance.operations import OPERATIONS

NAMES = [name for name in BUILTIN if name != "cupy"]


@pytest.fixture(scope="module", params=NAMES)
def subject(request):
    return builtin(request.param)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_right_implementation_passes_every_named_case_and_25_random_ones(subject, operation):
    outcomes = [run_check(subject, check) for check in checks_for(subject, level="extended", operations=(operation,))]
    assert [(o.id, o.status, o.note) for o in outcomes if o.status not in ("passed", "not claimed")] == []
    assert outcomes or not set(subject.capabilities.dtypes) & set(OPERATIONS[operation].dtypes)


def test_they_travel_to_other_processes(subject):
    assert pickle.loads(pickle.dumps(subject)).name == subject.name


def test_they_all_have_cases_of_their_own():
    counts = {name: sum(1 for _ in checks_for(builtin(name), level="extended")) for name in NAMES}
    assert all(count > 500 for count in counts.values())


def test_cupys_are_judged_where_a_gpu_answers():
    cupy = pytest.importorskip("cupy", reason="CuPy is absent")
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        pytest.skip("no GPU answered")
    subject = builtin("cupy")
    outcomes = [run_check(subject, check) for check in checks_for(subject)]
    assert [o for o in outcomes if o.status not in ("passed", "not claimed")] == []


def test_a_name_that_none_has_is_refused():
    with pytest.raises(ValueError, match="one of definition, numba"):
        builtin("jax")


def test_a_library_that_is_missing_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(ModuleNotFoundError, match=r"torch is not installed, .* pip install 'vosref\[train\]'"):
        builtin("torch")
