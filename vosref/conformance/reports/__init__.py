"""A report in the forms that people and programs read, each a function of the report."""

from collections.abc import Callable

from vosref.conformance.report import Report
from vosref.conformance.reports.data import as_json
from vosref.conformance.reports.junit import as_junit
from vosref.conformance.reports.markdown import as_markdown
from vosref.conformance.reports.page import as_html

__all__ = ["FORMS"]

FORMS: dict[str, Callable[[Report], str]] = {
    "data": as_json,
    "junit": as_junit,
    "markdown": as_markdown,
    "html": as_html,
}
