"""Lists of hashes, as sha256sum writes and reads them."""

from __future__ import annotations

import hashlib
from pathlib import Path

FILE = "SHA256SUMS"
"""What such a list is called."""


def sum_line(path: Path, name: str) -> str:
    """Of a file, under that name: with a mark before it if the name is escaped."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == name else chr(92)}{_sha256(path)}  {escaped}\n"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
