"""`vosref.backend`: which namespace an array belongs to, and which of a definition and its twin runs on it."""

import importlib.machinery
import sys
import threading
import types

import array_api_strict
import numpy as np
import pytest

from vosref.affinity import affinity
from vosref.backend import accelerated, array_namespace, use_cpu
from vosref.kernels import numba_ops
from vosref.nn.ops import conv2d, depthwise_conv2d


@pytest.fixture
def toy(monkeypatch):
    """A definition that says where it ran, with a twin in a module of its own file's name."""

    def which(*arrays, suffix=""):
        """Say where this ran."""
        return "definition" + suffix

    def twin(*arrays, suffix=""):
        return "twin" + suffix

    twins = types.ModuleType("vosref.kernels.numba_toy")
    twins.__spec__ = importlib.machinery.ModuleSpec(twins.__name__, loader=None)
    twins.which = twin
    monkeypatch.setitem(sys.modules, twins.__name__, twins)
    which.__module__ = "vosref.deep.toy"
    return which


def test_a_numpy_array_runs_through_the_twin_by_default_and_through_the_definition_on_request(toy):
    which = accelerated(toy)
    assert which(np.ones(2), suffix="!") == "twin!"
    with use_cpu("numpy"):
        assert which(np.ones(2), suffix="!") == "definition!"
    with use_cpu("numba"):
        assert which(np.ones(2), np.ones(3)) == "twin"


@pytest.mark.parametrize("tier", ["numpy", "numba"])
def test_every_other_namespace_runs_the_definition(tier, toy):
    which = accelerated(toy)
    with use_cpu(tier):
        assert which(array_api_strict.ones(2)) == "definition"
        assert which(np.ones(2), array_api_strict.ones(2)) == "definition"


def test_an_optional_array_left_out_does_not_keep_the_twin_away(toy):
    assert accelerated(toy)(np.ones(2), None) == "twin"
    assert accelerated(toy)(array_api_strict.ones(2), None) == "definition"


def test_a_definition_without_a_twin_runs_itself(toy):
    toy.__name__ = "no_such_twin"
    assert accelerated(toy)(np.ones(2)) == "definition"


def test_a_definition_without_a_file_of_twins_runs_itself(toy):
    toy.__module__ = "vosref.deep.no_such_file"
    assert accelerated(toy)(np.ones(2)) == "definition"


def test_wrapped_is_the_definition_and_the_dispatcher_keeps_its_name_and_docstring(toy):
    which = accelerated(toy)
    assert which.__wrapped__ is toy
    assert (which.__name__, which.__doc__, which.__module__) == ("which", "Say where this ran.", "vosref.deep.toy")


def test_the_library_itself_dispatches_this_way(monkeypatch):
    def clipping(*arguments):
        raise InterruptedError  # only the twin asks this helper

    monkeypatch.setattr(numba_ops, "clipping", clipping)
    layer = np.ones((3, 3, 1)), np.ones((3, 3, 1, 2)), np.zeros(2)
    with pytest.raises(InterruptedError):
        conv2d(*layer)
    expected = conv2d.__wrapped__(*layer)
    with use_cpu("numpy"):
        assert np.array_equal(conv2d(*layer), expected)
    assert np.array_equal(np.asarray(conv2d(*map(array_api_strict.asarray, layer))), expected)


def test_blocks_nest_and_restore_what_was_chosen_outside(toy):
    which, x = accelerated(toy), np.ones(2)
    with use_cpu("numpy"):
        with use_cpu("numba"):
            assert which(x) == "twin"
            with use_cpu("numpy"):
                assert which(x) == "definition"
            assert which(x) == "twin"
        assert which(x) == "definition"
    assert which(x) == "twin"


def test_an_exception_restores_what_was_chosen_outside(toy):
    def fail():
        with use_cpu("numpy"):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert accelerated(toy)(np.ones(2)) == "twin"


def test_a_new_thread_starts_from_the_default_and_its_choice_stays_its_own(toy):
    which, x, seen = accelerated(toy), np.ones(2), []
    inside, leave = threading.Event(), threading.Event()

    def work():
        seen.append(which(x))
        with use_cpu("numpy"):
            seen.append(which(x))
            inside.set()
            leave.wait(10)

    def start():
        thread = threading.Thread(target=work)
        thread.start()
        assert inside.wait(10)
        return thread

    with use_cpu("numpy"):
        thread = start()
    assert which(x) == "twin"
    leave.set()
    thread.join()
    assert seen == ["twin", "definition"]


@pytest.mark.parametrize("tier", ["cupy", "NumPy", "", None, 1])
def test_an_unknown_tier_is_refused_and_changes_nothing(tier, toy):
    with pytest.raises(ValueError, match=r'use_cpu takes "numpy" .* or "numba" .*, got'), use_cpu(tier):
        pass
    assert accelerated(toy)(np.ones(2)) == "twin"


def test_mixed_namespaces_are_refused():
    ours, theirs = np.ones((1, 2)), array_api_strict.ones((1, 2))
    with pytest.raises(TypeError, match="namespaces"):
        array_namespace(ours, theirs)
    with pytest.raises(TypeError, match="namespaces"):
        affinity(ours, theirs, ours, ours, sigma=1.0)


@pytest.mark.parametrize("foreign", [0, 1, 2])
@pytest.mark.parametrize(("layer", "shape"), [(conv2d, (3, 3, 1, 1)), (depthwise_conv2d, (3, 3, 1))])
def test_layers_of_mixed_namespaces_are_refused_whichever_array_is_the_foreign_one(layer, shape, foreign):
    arrays = [np.ones((4, 4, 1)), np.ones(shape), np.ones(1)]
    arrays[foreign] = array_api_strict.asarray(arrays[foreign])
    with pytest.raises(TypeError, match="namespaces"):
        layer(*arrays)


def test_an_argument_that_is_no_array_is_refused():
    with pytest.raises(TypeError):
        array_namespace([1.0, 2.0])
