"""Names of an archive's records, where LibTorch's reader and others could disagree about them.

LibTorch takes the root folder from the first record, and looks its records up without regard to the case of
letters; other readers unpack names as paths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tsharness.artifact.directory import Entry

_UTF8 = 0x800
_READ = re.compile(
    r"(model\.json|(data|constants|bytecode|attributes|mobile_debug_handles)\.pkl|version|byteorder|archive_format|"
    r"\.data/.*|\.format_version|\.storage_alignment|(code|data|constants|tensors|extra)(/.*)?)",
    re.DOTALL | re.IGNORECASE,
)
"""What torch's readers look for below the root."""
_OURS = re.compile(r"(code/[^/].*\.py(\.debug_pkl)?)|(?!code/).*", re.DOTALL)
"""What torch writes: below code/ there is only code, and where it came from."""
_MARKS = {
    "data.pkl",
    "constants.pkl",
    "bytecode.pkl",
    "model.json",
    "version",
    ".data/version",
    "archive_format",
}


def ambiguous_names(entries: Sequence[Entry]) -> Iterator[tuple[str, str, str]]:
    """Code of the finding, name, and what is wrong with it."""
    names = [one.name.decode("utf-8", "backslashreplace") for one in entries]
    for entry, name in zip(entries, names, strict=True):
        for code, message in _of_one(entry, name):
            yield code, name, message
    for name, count in Counter(map(_lower, names)).items():
        if count > 1:
            yield (
                "TS314",
                name,
                f"stands {count} times in the directory: which one is read depends on the reader",
            )
    roots = sorted({name.partition("/")[0] for name in names})
    below = [name.partition("/")[2] for name in names]
    if not {_lower(name) for name in below} & _MARKS:
        return  # none of torch's
    if len(roots) > 1:
        yield "TS314", "", f"has {len(roots)} root folders: {', '.join(roots[:3])}"
    for name, record in zip(names, below, strict=True):
        if message := _of_torch(record):
            yield "TS314", name, message
    if "model.json" in below and "constants.pkl" in below:
        yield "TS314", "model.json", "stands beside constants.pkl: of two formats, one is read"


def _of_one(entry: Entry, name: str) -> Iterator[tuple[str, str]]:
    parts = name.removesuffix("/").split("/")
    outside = name.startswith("/") or ".." in parts or "\\" in name or name[1:2] == ":"
    if outside:
        yield "TS315", "leads out of the folder that the archive would be unpacked into"
    # The root is called as the file was that was saved first, whatever that is.
    below = name.partition("/")[2]
    if "\0" in name or not below.isprintable() or not _is_plain(entry.name, entry.flags):
        yield "TS314", "has a name that readers take in different ways"
    elif not outside and ("" in parts or "." in parts or (name.endswith("/") and entry.size)):
        yield "TS314", "has a name that is no path of a file"


def _is_plain(name: bytes, flags: int) -> bool:
    try:
        return bool(flags & _UTF8 and name.decode()) or bool(name.decode("ascii"))
    except UnicodeDecodeError:
        return False


def _of_torch(record: str) -> str:
    """What is wrong with a name below the root; empty if nothing."""
    lower = _lower(record)
    read = _READ.fullmatch(record)
    if read and not record.endswith("/"):
        known = lower if "/" not in record else lower.partition("/")[0]
        if not record.startswith(known):
            return f"is read as {known} by LibTorch, and not by readers that regard the case of letters"
        if lower.startswith("code/") and not _OURS.fullmatch(record):
            return "lies beside the code, and is none that torch writes"
    return ""


def _lower(name: str) -> str:
    """As miniz does it: ASCII letters alone."""
    return name.encode("utf-8", "surrogateescape").lower().decode("utf-8", "surrogateescape")
