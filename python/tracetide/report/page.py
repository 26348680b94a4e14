"""The page, from its template."""

from __future__ import annotations

from importlib.resources import files

from tracetide._version import __version__
from tracetide.base.errors import MissingPackageError
from tracetide.report.findings import Findings
from tracetide.report.views import facts_of, sections_of


def page_of(report: Findings) -> str:
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


def check_packages() -> None:
    """What a page takes, before anything is gone through.

    Raises:
        MissingPackageError: an ImportError that says what to install.
    """
    try:
        import jinja2  # noqa: F401
        import plotly  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"{error.name} is needed for a report: pip install 'tracetide[report]'"
        ) from None


def _resource(name: str) -> str:
    return files("tracetide.report").joinpath(name).read_text(encoding="utf-8")
