"""Reports: what they answer, and what they write for people and for machines."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import browser, open_page  # noqa: F401 - a fixture
from judged import Right, Wrong

from vosref.conformance import Capabilities, ConformanceError, Report, check_subject
from vosref.conformance.checks import STATUSES, Outcome
from vosref.conformance.judge import Verdict

EXPECTED = {"global_matching/single_pixel": "issue <12>"}
VOID = {"meta", "link", "br", "rect", "path"}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    return check_subject(
        Wrong(),
        operations=("embedding_distance", "global_matching", "local_matching"),
        expected_failed=EXPECTED,
        reproducers=tmp_path_factory.mktemp("files"),
    )


def report_of(*outcomes, **fields):
    given = {"subject": "s", "capabilities": Capabilities(), "level": "core", "seed": 0, "versions": {"vosref": "1"}}
    return Report(**given | fields, outcomes=outcomes)


def outcome(status, margin=0.0, check="local_matching/range@1#0:float32", **fields):
    return Outcome(check, "local_matching", "s", status, margin, **fields)


@pytest.mark.parametrize("status", STATUSES)
def test_only_what_passed_makes_a_report_good_and_only_failures_spoil_it(status):
    fine = {"passed", "xfailed", "not claimed"}
    assert report_of(outcome("passed"), outcome(status)).ok == (status in fine)
    assert report_of(outcome(status)).ok == (status == "passed")


def test_what_passes_against_a_lenient_expectation_is_no_failure():
    assert report_of(outcome("passed"), outcome("xpassed"), xfail_strict=False).ok


def test_raise_if_failed_tells_failures_and_that_nothing_is_known():
    report_of(outcome("passed")).raise_if_failed()
    with pytest.raises(ConformanceError, match="s: local_matching/range@1#0:float32 failed: too much"):
        report_of(outcome("failed", 2.0, note="too much")).raise_if_failed()
    with pytest.raises(ConformanceError, match="none of 1 checks passed, so nothing is known"):
        report_of(outcome("not claimed")).raise_if_failed()


def test_the_worst_is_the_outcome_of_the_largest_margin(wrong):
    assert wrong.worst("local_matching").margin == max(o.margin for o in wrong.outcomes if "local" in o.operation)
    with pytest.raises(ValueError, match="that was judged, global_matching, local_matching, got 'embedding_distance'"):
        wrong.worst("embedding_distance")


def test_a_row_counts_the_checks_of_an_operation_in_a_data_type(wrong):
    rows = {(row.operation, row.dtype): row for row in wrong.rows()}
    row = rows["global_matching", "float32"]
    own = [o for o in wrong.outcomes if o.operation == "global_matching" and o.id.endswith("float32")]
    assert row.passed + row.failed + row.expected + row.not_claimed == len(own)
    assert row.expected == 1
    assert row.margin == np.inf
    assert rows["embedding_distance", "float64"].margin is None


def test_the_table_is_aligned_and_ends_with_the_failures(wrong):
    first, empty, head, *rest = wrong.table().splitlines()
    assert re.match(r"wrong does not conform: \d+ passed, \d+ failed, 2 error, 2 xfailed, \d+ not claimed", first)
    assert empty == ""
    rows = rest[: rest.index("")]
    assert len(rows) == 4
    end = head.index("failed") + len("failed")
    assert all(row[end - 1].isdigit() for row in rows)
    unclaimed, _, *failures = rest[len(rows) + 1 :]
    assert unclaimed == "not claimed: embedding_distance"
    told = [line for line in failures if not line.startswith(" ")]
    assert len(told) == len(wrong.failures)
    assert "  reproducer: " in wrong.table()


def test_the_table_of_a_right_subject_has_no_failures_and_no_empty_columns():
    table = check_subject(Right(), operations=("embedding_distance",)).table()
    assert table.startswith("Right conforms: ")
    assert "expected" not in table
    assert "ambiguous" not in table


def test_json_has_its_shape_and_writes_infinity_as_a_word(wrong, tmp_path):
    wrong.to_json(tmp_path / "report.json")
    whole = json.loads((tmp_path / "report.json").read_text())
    keys = ["subject", "capabilities", "level", "seed", "versions", "ok", "counts", "outcomes"]
    assert list(whole) == keys
    assert whole["versions"]["operations"]["local_matching"] == 1
    assert whole["counts"] == wrong.counts()
    assert [o["id"] for o in whole["outcomes"]] == [o.id for o in wrong.outcomes]
    assert "infinite" in {o["margin"] for o in whole["outcomes"]}
    element = next(o["element"] for o in whole["outcomes"] if o["element"] is not None)
    assert set(element) == {"output", "index", "got", "relation", "reference", "bound", "failing", "elements"}


def test_two_runs_write_the_same_but_for_seconds(wrong, tmp_path):
    again = check_subject(Right(), operations=("embedding_distance",))
    once = check_subject(Right(), operations=("embedding_distance",))
    for form in ("json", "junit", "markdown", "html"):
        texts = []
        for n, report in enumerate((once, again)):
            getattr(report, f"to_{form}")(tmp_path / f"{n}.{form}")
            texts.append((tmp_path / f"{n}.{form}").read_text(encoding="utf-8"))
        one, other = (re.sub(r'("seconds": |time="|in )[\d.]+(e-\d+)?', "", text) for text in texts)
        assert one == other


def test_junit_has_a_suite_for_each_operation_and_sums_that_are_true(wrong, tmp_path):
    wrong.to_junit(tmp_path / "report.xml")
    root = ElementTree.parse(tmp_path / "report.xml").getroot()  # noqa: S314 - our own
    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == ["embedding_distance", "global_matching", "local_matching"]
    assert int(root.get("tests")) == len(wrong.outcomes)
    for suite in root:
        cases = suite.findall("testcase")
        assert suite[0].tag == "properties"
        for sums, kind in (("tests", None), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(sums)) == len(cases if kind is None else suite.findall(f"testcase/{kind}"))
        assert all(
            case.get("classname") == f"wrong.{suite.get('name')}" and float(case.get("time")) >= 0 for case in cases
        )
    skipped = root.find(".//testcase[@name='single_pixel@1#0:float32']/skipped")
    assert skipped.get("message").startswith("expected to fail: issue <12>")
    failure = root.find(".//failure")
    assert failure.get("type") == "failed"
    assert "reproducer: " in failure.text


def test_what_xml_cannot_hold_is_replaced_and_what_xpassed_is_a_failure(tmp_path):
    report = report_of(outcome("error", np.inf, note="bad \x00 byte \ufffe"), outcome("xpassed", reason="issue 12"))
    report.to_junit(tmp_path / "report.xml")
    root = ElementTree.parse(tmp_path / "report.xml").getroot()  # noqa: S314 - our own
    assert root.find(".//error").get("message") == "bad \ufffd byte \ufffd"
    assert root.find(".//failure").get("type") == "xpassed"


def test_markdown_has_a_row_for_what_is_claimed_and_lets_text_stand_for_itself(wrong, tmp_path):
    wrong.to_markdown(tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# wrong\n\n❌ wrong does not conform")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == 4
    assert {row.count(" | ") for row in rows} == {8}
    assert "issue \\<12\\>" in text
    assert "Not claimed: `embedding_distance`." in text


class Tags(HTMLParser):
    """The tags of a page, all closed, and nothing that is loaded from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        assert not any(name in ("src", "onclick") for name, _ in attrs)
        assert all(value.startswith("data:") for name, value in attrs if name == "href")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def test_the_page_is_whole_needs_nothing_and_runs_no_script(wrong, tmp_path):
    wrong.to_html(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert "script" not in tags.seen
    assert tags.seen.count("details") == len(wrong.failures) + 1
    assert "no window in &quot;&quot;&quot;&lt;&amp;&gt;" in text
    assert "the window is smaller by one" in text
    assert "issue &lt;12&gt;" in text


def test_a_browser_shows_the_page_without_a_complaint(wrong, tmp_path, browser):  # noqa: F811
    wrong.to_html(tmp_path / "report.html")
    open_page(browser, tmp_path / "report.html")
    assert browser.title == "wrong: conformance"
    assert browser.execute_script("return getComputedStyle(document.querySelector('h1')).fontSize") == "25.5px"
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("shape", [(), (7,), (300, 5), (2, 3, 4)])
def test_a_page_has_pictures_of_results_of_any_shape(shape, tmp_path):
    got, exact = np.ones(shape), np.zeros(shape)
    at = tuple(n - 1 for n in shape)
    got[at] = np.nan
    verdict = Verdict("distance", np.inf, at, got, exact, np.full(shape, 0.5), got != exact)
    made = report_of(outcome("failed", np.inf, note="no number", verdict=verdict), outcome("inconclusive"))
    made.to_html(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count('<svg class="map"') == (len(shape) > 0)
    assert "not a number" in text


def test_a_page_of_labels_or_of_another_shape_has_no_bound(tmp_path):
    ids = np.array([0, 1, 2])
    labels = Verdict("labels", 3.0, (1,), ids, ids[::-1].copy(), None, ids == 1)
    shapes = Verdict("labels", np.inf, got=ids, note="shape (3,) instead of (4,)")
    made = report_of(
        outcome("failed", 3.0, verdict=labels), outcome("failed", np.inf, note=shapes.note, verdict=shapes)
    )
    for form in ("html", "json", "markdown", "junit"):
        getattr(made, f"to_{form}")(tmp_path / form)
    assert json.loads((tmp_path / "json").read_text())["outcomes"][0]["element"]["bound"] is None
    assert "shape (3,) instead of (4,)" in (tmp_path / "html").read_text(encoding="utf-8")
