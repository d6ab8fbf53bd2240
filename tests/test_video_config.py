"""Configurations by name and by field, and where the paper's and the released one part."""

import pytest
from clips import register_echo

from vosref.tvos import TvosConfig
from vosref.video import METHODS, configure, differences, method_named


def test_every_method_offers_what_the_loop_needs():
    for name in METHODS:
        method = method_named(name)
        functions = ("prepare", "embedding", "annotate", "init", "step", "decide")
        assert all(callable(getattr(method, f)) for f in functions)
        assert {"released", "paper"} <= method.CONFIGS.keys()
        assert method.State._fields[-1] == "t"
        assert (method.Config.paper(), method.Config.released()) == (configure(name, "paper"), configure(name))


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("n_recent", "3", 3),
        ("temperature", "40", 40.0),
        ("sigma_distant", "inf", float("inf")),
        ("normalise", "False", False),
        ("normalise", "true", True),
        ("feedback", "soft", "soft"),
        ("weights", "", ""),
    ],
)
def test_text_is_read_as_the_field_s_own_type(field, text, value):
    for given in (text, value):
        config = configure("tvos", "paper", **{field: given})
        assert (getattr(config, field), type(getattr(config, field))) == (value, type(value))
        assert config._replace(**{field: getattr(TvosConfig.paper(), field)}) == TvosConfig.paper()


@pytest.mark.parametrize(
    ("field", "text", "kind"),
    [("n_recent", "3.5", "int"), ("temperature", "hot", "float"), ("temperature", "-nan", "float")]
    + [("normalise", text, "bool") for text in ("", "1", "yes")],
)
def test_text_of_another_type_is_refused(field, text, kind):
    with pytest.raises(ValueError, match=f"^{field} must be of type {kind}, got '{text}'$"):
        configure("tvos", **{field: text})


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="method must be one of tvos, feelvos, got 'osvos'"):
        configure("osvos")
    with pytest.raises(ValueError, match="config must be one of released, paper, .* for tvos, got 'papers'"):
        configure("tvos", "papers")
    with pytest.raises(ValueError, match=r"tvos has no setting 'temprature'; it has sampling, .*temperature, memory"):
        configure("tvos", temprature=3)


def test_the_differences_are_the_four_named_fields_with_what_they_mean():
    rows = differences("tvos")
    paper, released = TvosConfig.paper(), TvosConfig.released()
    assert [row.field for row in rows] == ["sampling", "motion", "propagation", "feedback"]
    assert [row.values for row in rows] == [(getattr(paper, r.field), getattr(released, r.field)) for r in rows]
    assert all(len(row.meanings) == 2 and all(row.meanings) for row in rows)
    assert [row.values for row in differences("tvos", "released", "paper")] == [row.values[::-1] for row in rows]
    assert differences("tvos", "paper", "paper") == []


def test_a_method_whose_configurations_are_equal_has_no_differences(monkeypatch):
    register_echo(monkeypatch)
    assert differences("echo") == []
    assert configure("echo", reach="7").reach == 7
