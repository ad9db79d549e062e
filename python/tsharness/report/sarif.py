"""Findings as SARIF 2.1.0, which code-hosting sites show beside the code.

The format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tsharness.findings import RULES
from tsharness.findings.rule import UNKNOWN, filled
from tsharness.printable import one_line
from tsharness.report.document import Run
from tsharness.report.model import Finding
from tsharness.report.outline import outline

_PLACE = re.compile(r"(?P<file>.+):(?P<line>[0-9]{1,9})")


def to_sarif(run: Run) -> dict[str, Any]:
    """One run with the findings of all reports. A finding's location is the file that was looked at; the line
    of its source, if it is known, is a related one."""
    found = [(said.path, one) for said in map(outline, run.reports) for one in said.findings]
    codes = sorted({one.code for _, one in found})
    rules = [_rule(code) for code in codes]
    driver = {"name": "tsharness", "semanticVersion": run.tsharness, "rules": rules}
    results = [_result(path, one, codes.index(one.code)) for path, one in found]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _rule(code: str) -> dict[str, Any]:
    rule = RULES[code]
    return {
        "id": code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": filled(rule.why, UNKNOWN)},
        "help": {"text": filled(f"{rule.why}. {rule.do}", UNKNOWN)},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(path: str, found: Finding, index: int) -> dict[str, Any]:
    result = {
        "ruleId": found.code,
        "ruleIndex": index,
        "level": found.severity,
        "message": {"text": _plain(f"{found.seen}: {found.why}. {found.do}")},
        "locations": [_location(_uri(path), None)],
        "partialFingerprints": {"finding/v1": f"{found.code}:{found.where}:{found.seen}"},
    }
    place = _PLACE.fullmatch(found.where or "")
    if place:
        result["relatedLocations"] = [_location(_uri(place["file"]), int(place["line"]))]
    return result


def _plain(text: str) -> str:
    """Without links: in a message, "[text](target)" is one, unless its bracket is escaped."""
    return one_line(text).replace("](", "\\](")


def _uri(path: str) -> str:
    """Relative to where the command ran, if the path is; with what a URI cannot hold escaped."""
    one = Path(path)
    escaped = quote(one.as_posix().encode("utf-8", "surrogatepass"))
    return f"file://{escaped}" if one.is_absolute() else escaped


def _location(uri: str, line: int | None) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if line is not None:
        physical["region"] = {"startLine": max(1, line)}
    return {"physicalLocation": physical}
