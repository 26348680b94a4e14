"""The page, from its template."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from tracetide._version import __version__
from tracetide.report.document import check_packages
from tracetide.report.views import facts_of, sections_of

if TYPE_CHECKING:
    from tracetide.report.document import Report


def page_of(report: Report) -> str:
    """HTML with all styles and scripts in it; the same for the same findings.

    Raises:
        MissingPackageError: an ImportError, if Plotly or Jinja is not installed.
    """
    check_packages()
    from jinja2 import Environment, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("page.html")).render(
        found=report.characterization,
        facts=facts_of(report),
        sections=sections_of(report),
        version=__version__,
        style=_resource("page.css"),
        script=_resource("page.js"),
        plotly=get_plotlyjs(),
    )


def _resource(name: str) -> str:
    return files("tracetide.report").joinpath(name).read_text(encoding="utf-8")
