"""Where and among which values an output differs, in lines."""

from __future__ import annotations

from collections.abc import Iterator

from tsharness.report.units import error
from tsharness.verification.profile import Profile, Summary, TouchedDim
from tsharness.verification.report import CaseResult, OutputResult

_WIDTH = 32  # of the longest bar, in columns


def touched(output: OutputResult) -> str:
    """ "3 of 64 indices of dim 1 (5 to 7)": dims of which elements beyond the tolerance leave half or more
    untouched; empty where that tells nothing."""
    if output.profile is None or (output.mismatched or 0) < 2:
        return ""
    dims = [
        (dim, found) for dim, found in enumerate(output.profile.dims) if 0 < found.touched <= found.size / 2
    ]
    return ", ".join(_dim(dim, found) for dim, found in dims)


def _dim(dim: int, found: TouchedDim) -> str:
    if found.touched == 1:
        return f"only index {found.first} of dim {dim} (of {found.size})"
    return f"only {found.touched} of {found.size} indices of dim {dim} ({found.first} to {found.last})"


def profile_lines(case: CaseResult) -> Iterator[str]:
    """Both sides' figures, the errors by decade, and the errors against the size of the values."""
    for output in case.outputs:
        if output.profile is None:
            continue
        profile = output.profile
        yield f'case "{case.name}": {output.name}'
        yield f"  runner     {_summary(profile.actual)}"
        yield f"  reference  {_summary(profile.expected)}"
        yield "  elements by absolute error"
        yield from _errors(profile)
        yield "  by expected magnitude     elements    beyond  largest error"
        yield from _magnitudes(profile)


def _summary(side: Summary) -> str:
    more = f", {side.nonfinite} NaN or infinite" if side.nonfinite else ""
    return f"{side.min:.4g} to {side.max:.4g}, mean {side.mean:.4g}, std {side.std:.4g}{more}"


def _errors(profile: Profile) -> Iterator[str]:
    rows = [("0", profile.equal)] if profile.equal else []
    rows += [(_decade(found.decade), found.count) for found in profile.errors]
    most = max((count for _, count in rows), default=1)
    for label, count in rows:
        bar = "█" * max(1, round(_WIDTH * count / most))
        yield f"    {label:>16}  {bar:<{_WIDTH}}  {count}"


def _magnitudes(profile: Profile) -> Iterator[str]:
    if profile.zeros:
        yield f"    {'0':>16}  {profile.zeros:>12}"
    for found in profile.magnitudes:
        label = _decade(found.decade)
        yield f"    {label:>16}  {found.count:>12}  {found.mismatched:>8}  {error(found.max_abs):>13}"


def _decade(decade: int) -> str:
    return f"1e{decade:+03d} to 1e{decade + 1:+03d}"
