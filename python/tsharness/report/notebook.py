"""Reports as notebooks show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tsharness.report.document import Report


def repr_html(report: Report) -> str:
    """The verdict and the tables, in the notebook's own style; ``Run`` and ``--html`` have the drawings."""
    from tsharness.report.html.page import render_part
    from tsharness.report.outline import outline

    return render_part("notebook.html.j2", one=outline(report))
