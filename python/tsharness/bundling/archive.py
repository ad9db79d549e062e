"""A folder as one file."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tsharness.errors import EnvironmentProblem

_KINDS = (".tar.zst", ".tar.gz", ".tar")


def archive_kind(path: Path) -> str:
    """By the name: ".tar.zst", ".tar.gz", ".tar"; empty for a folder. Raises EnvironmentProblem without
    what a ".tar.zst" needs."""
    kind = next((kind for kind in _KINDS if path.name.endswith(kind)), "")
    if kind == ".tar.zst":
        try:
            import zstandard  # noqa: F401
        except ImportError:
            raise EnvironmentProblem(
                f"{path.name} needs zstandard: pip install zstandard  (.tar.gz and a folder need nothing)"
            ) from None
    return kind


def pack_folder(folder: Path, target: Path, kind: str) -> None:
    """Writes the archive, with the folder's own name at its top."""
    if kind == ".tar.zst":
        import zstandard

        with (
            target.open("wb") as file,
            zstandard.ZstdCompressor(level=6, threads=-1).stream_writer(file) as stream,
            tarfile.open(fileobj=stream, mode="w|") as archive,
        ):
            archive.add(folder, folder.name)
        return
    with tarfile.open(target, "w:gz" if kind == ".tar.gz" else "w") as archive:
        archive.add(folder, folder.name)
