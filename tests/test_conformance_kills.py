"""The kit judged by itself: every mutant dies, every check kills, and what is right is never failed."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from vosref.backend import use_cpu
from vosref.conformance.kills import Killed, KillMatrix, kill_matrix
from vosref.conformance.mutants import MUTANTS, Mutant
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.reports.kills import as_markdown, as_table
from vosref.matching import local_matching


@pytest.fixture(scope="module")
def matrix():
    return kill_matrix()


def test_every_mutant_dies(matrix):
    assert len(matrix.mutants) >= 30
    assert matrix.alive == ()


def test_every_check_of_every_operation_kills_a_mutant(matrix):
    assert matrix.idle == ()
    assert {check.partition("/")[0] for check in matrix.checks} == set(OPERATIONS)


def test_every_mutant_has_a_name_of_its_own_and_says_what_is_wrong_and_where_it_comes_from():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        assert mutant.operation in OPERATIONS
        assert mutant.wrong
        assert mutant.source


def test_the_matrix_is_the_same_over_an_executor():
    with ThreadPoolExecutor(2) as pool:
        assert kill_matrix(MUTANTS[:9], executor=pool) == kill_matrix(MUTANTS[:9])


def test_a_mutant_that_is_right_is_alive_and_the_checks_that_it_passes_are_idle():
    def right(*arrays, **options):
        with use_cpu("numpy"):
            return local_matching(*arrays, **options)

    mutant = Mutant("none", "local_matching", "nothing is wrong", "here", right)
    found = kill_matrix([mutant])
    assert found.alive == ("none",)
    assert len(found.idle) == len(found.checks)
    assert not found.ok
    assert "ALIVE" in as_table(found)
    assert "**alive**" in as_markdown(found)


def test_a_mutant_that_raises_is_dead():
    def raising(*_arrays, **_options):
        raise ZeroDivisionError

    found = kill_matrix([Mutant("raising", "global_matching", "it raises", "here", raising)])
    assert found.ok


def test_the_matrix_is_told_as_json_and_as_text():
    killed = Killed("m", "local_matching", "w", "s", ("local_matching/radius_zero@1#0:float64",))
    matrix = KillMatrix((killed,), {"local_matching/radius_zero@1": ("m",)})
    told = json.loads(json.dumps(matrix.as_json()))
    assert told["ok"] is True
    assert told["mutants"][0]["killed_by"] == ["local_matching/radius_zero@1#0:float64"]
    assert told["checks"] == {"local_matching/radius_zero@1": ["m"]}
    assert as_table(matrix).splitlines()[-1] == "1 mutants, all dead; 1 checks, each kills one or more"
    assert "| `m` | local_matching | w | radius_zero |" in as_markdown(matrix)
