"""matplotlib's figures as SVG inside a page: in its colours and font, and told to a screen reader."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from tsharness.errors import EnvironmentProblem
from tsharness.report.xml_text import legal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT = "#010203", "#040506"
SERIES = ("#0a0101", "#0a0202", "#0a0303", "#0a0404", "#0a0505", "#0a0606")
GOOD, BAD = "#0b0101", "#0b0202"
"""Colours that stand for variables of the page's style sheet: these give them another value in the dark."""
_VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--line)",
    GOOD: "var(--good)",
    BAD: "var(--bad)",
    **{color: f"var(--series-{number})" for number, color in enumerate(SERIES, 1)},
}
_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "tsharness",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "lines.linewidth": 1.6,
    "text.parse_math": False,  # names of cases are anybody's
    "axes.formatter.use_mathtext": False,
}
_NAMESPACES = {"": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink"}
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_HREF = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class Chart:
    """A drawing with what it shows in words."""

    title: str
    says: str
    """For those who do not see it, and below it for the others."""
    svg: str


class Canvas:
    """What ``drawing`` gives: axes to draw on, and the chart when it ends."""

    def __init__(self, figure: Any, axes: Axes) -> None:
        self.figure, self.axes = figure, axes
        self._chart: Chart | None = None

    @property
    def chart(self) -> Chart:
        """There is one once the block has ended."""
        assert self._chart is not None
        return self._chart

    def end(self, chart: Chart) -> None:
        self._chart = chart


@contextmanager
def drawing(title: str, says: str, number: str, height: float = 2.6) -> Iterator[Canvas]:
    """``number``: a part of every id inside, which makes them the only ones of the page. Raises
    EnvironmentProblem without matplotlib."""
    try:
        import matplotlib as mpl
        from cycler import cycler
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        raise EnvironmentProblem("--html draws with matplotlib: pip install matplotlib") from None
    title, says = legal(title), legal(says)
    style: Any = {**_STYLE, "axes.prop_cycle": cycler(color=SERIES)}
    with mpl.rc_context(style), warnings.catch_warnings():
        # The page's font draws the text, and may well have what the font here has not.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure = Figure(figsize=(6.4, height), layout="constrained")
        FigureCanvasSVG(figure)
        canvas = Canvas(figure, figure.add_subplot())
        yield canvas
        written = io.BytesIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    canvas.end(Chart(title, says, _inline(written.getvalue(), title, says, number)))


def log_axis(axes: Axes, *names: str, kind: str = "log") -> None:
    """Makes "x", "y" or both logarithmic, with plain numbers: mathematical text would be drawn as markup."""
    for name in names:
        axis = getattr(axes, f"{name}axis")
        getattr(axes, f"set_{name}scale")(kind)
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_formatter(lambda *_: "")


def _inline(svg: bytes, title: str, says: str, number: str) -> str:
    root = ET.fromstring(legal(svg.decode()))
    for parent in root.iter():
        for child in [one for one in parent if one.tag.endswith("}metadata")]:
            parent.remove(child)
    _rename_ids(root, number)
    width, height = root.attrib.pop("width"), root.attrib.pop("height")
    root.attrib.pop("version", None)
    root.set("viewBox", f"0 0 {width.removesuffix('pt')} {height.removesuffix('pt')}")
    root.set("role", "img")
    root.set("aria-label", f"{title}. {says}")
    for prefix, uri in _NAMESPACES.items():
        ET.register_namespace(prefix, uri)
    text = ET.tostring(root, encoding="unicode")
    for color, variable in _VARIABLES.items():
        text = text.replace(color, variable)
    # The page's font, at the size that matplotlib has laid the text out for.
    return re.sub(r"font: (\d+)px [^;\"]*", r"font-size: \1px", text)


def _rename_ids(root: ET.Element, number: str) -> None:
    """Keeps those that something refers to, under names of this chart alone."""
    referred = {
        name
        for one in root.iter()
        for key, value in one.attrib.items()
        for name in ([value[1:]] if key == _HREF else _REFERENCE.findall(value))
    }
    for one in root.iter():
        if one.get("id") in referred:
            one.set("id", f"{number}-{one.get('id')}")
        else:
            one.attrib.pop("id", None)
        for key, value in list(one.attrib.items()):
            if key == _HREF:
                del one.attrib[key]
                one.set("href", f"#{number}-{value[1:]}")
            else:
                one.set(key, _REFERENCE.sub(rf"url(#{number}-\1)", value))
