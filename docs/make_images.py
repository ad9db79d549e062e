"""Draws docs/images/: reports in Chromium, the terminal at two widths, the site. Run by ``make images``;
needs chromium, and the site built."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
SITE = ROOT / "build" / "site"
BIN = Path(sys.executable).parent
sys.path.insert(0, str(ROOT / "examples"))

_COLORS = 64  # of a picture: enough for text and lines, and a fifth of the size


def main() -> None:
    """All of them."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = _reports(folder)
        for theme, width, height in (("light", 1200, 1500), ("dark", 1200, 1500), ("narrow", 400, 1100)):
            themed = page.read_text().replace(
                '<html lang="en">', f'<html lang="en" data-theme="{_theme(theme)}">'
            )
            (folder / f"{theme}.html").write_text(themed)
            _shoot(folder / f"{theme}.html", f"report-{theme}", width, height)
        for columns in (80, 140):
            _terminal(folder, columns)
    for name, path in (("site-home", "index.html"), ("site-tutorial", "tutorial/index.html")):
        _shoot(SITE / path, name, 1200, 900)


def _theme(name: str) -> str:
    return "dark" if name == "dark" else "light"


def _reports(folder: Path) -> Path:
    """One that fails, and one that measures."""
    import conditional
    import resnet

    import tsharness

    tsharness.export(*conditional.on_tensor(), folder / "gate.pt", method="trace", force=True, families=())
    tsharness.export(*resnet.make(), folder / "resnet.pt", method="trace", families=())
    commands = (("verify", "gate.pt"), ("bench", "resnet.pt", "--min-time", "3"))
    for name, *arguments in commands:
        subprocess.run(
            [BIN / "tsharness", name, *arguments, "--json", f"{name}.json", "--quiet"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            check=False,
        )
    command = [BIN / "tsharness", "report", "verify.json", "bench.json", "--html", "page.html", "--quiet"]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    return folder / "page.html"


def _terminal(folder: Path, columns: int) -> None:
    """What a terminal of so many columns shows of a verification that fails."""
    text = _in_terminal([str(BIN / "tsharness"), "verify", "gate.pt"], folder, columns)
    console = Console(record=True, width=columns, file=io.StringIO())
    console.print(Text("$ tsharness verify gate.pt", "bold"))
    console.print(Text.from_ansi(text))
    target = folder / f"terminal-{columns}.svg"
    console.save_svg(str(target), title=f"{columns} columns", theme=MONOKAI)
    lines = text.count("\n") + 2
    _shoot(target, f"terminal-{columns}", round(columns * 12.2) + 40, round(lines * 24.6) + 90)


def _in_terminal(command: list[str], folder: Path, columns: int) -> str:
    """Standard output of a command that has a terminal of that width."""
    main_end, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "CI": "1"}
    process = subprocess.Popen(command, cwd=folder, stdout=other, stderr=subprocess.DEVNULL, env=environment)
    os.close(other)
    parts = []
    while True:
        try:
            part = os.read(main_end, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    process.wait()
    return b"".join(parts).decode().replace("\r\n", "\n")


def _shoot(page: Path, name: str, width: int, height: int) -> None:
    """A picture of the page's top, small enough for a repository."""
    target = IMAGES / f"{name}.png"
    chromium = shutil.which("chromium")
    assert chromium, "apt-get install chromium"
    subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *(f"--window-size={width},{height}", f"--screenshot={target}", "--allow-file-access-from-files"),
            page.as_uri(),
        ],
        stderr=subprocess.DEVNULL,
        check=True,
    )
    picture = Image.open(target).convert("RGB").quantize(_COLORS)
    picture.save(target, optimize=True)
    print(f"{target.relative_to(ROOT)} {target.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
