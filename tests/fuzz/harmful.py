"""Archives that write the file "marker" into the current folder when LibTorch loads or runs them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

MARKER = "marker"
_LIBRARY: list[Any] = []


def define_unknown() -> None:
    """An operator that no LibTorch has, as a library of a stranger's would bring it."""
    if not _LIBRARY:
        library = torch.library.Library("stranger", "DEF")
        library.define("leave(Tensor x) -> Tensor")
        library.impl("leave", _leave, "CompositeExplicitAutograd")
        _LIBRARY.append(library)


def _leave(x: Tensor) -> Tensor:
    Path(MARKER).write_text("left")
    return x.clone()


def leave(x: Tensor) -> Tensor:
    torch.save(x, "marker")
    return x


class Forward(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x + 1
        torch.save(y, "marker")
        return y


class Loaded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.x = torch.ones(2)

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, bool]:
        return self.x, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]) -> None:
        self.x, self.training = state
        torch.save(self.x, "marker")

    def forward(self, x: Tensor) -> Tensor:
        return x + self.x


class Mapped(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.from_file("marker", shared=True, size=2, dtype=torch.uint8)


class Function(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return leave(x) * 2


class Aside(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.jit.wait(torch.jit.fork(leave, x))


class Branch(nn.Module):
    def forward(self, x: Tensor, much: bool = True) -> Tensor:
        for _ in range(2):
            if much:
                torch.save(x, "marker")
        return x


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2), Forward()])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


@torch.jit.script
class Keeper:
    def __init__(self, x: Tensor) -> None:
        self.x = x
        torch.save(x, "marker")


class Object(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return Keeper(x).x


class Listed(nn.Module):
    """Written by way of a list, with strings and brackets around it."""

    def forward(self, x: Tensor) -> Tensor:
        names: list[str] = ["marker", 'a "quoted" # one']
        torch.save([x, x], names[0])
        return x


class Unknown(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.stranger.leave(x)


class Plain(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


def _hook(self, inputs: tuple[Tensor], output: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
    torch.save(output, "marker")
    return output


def _hooked() -> nn.Module:
    inner = Plain()
    inner.register_forward_hook(_hook)
    return nn.Sequential(inner)


def _lite(make: Callable[[], nn.Module], flatbuffer: bool) -> Callable[[Path], None]:
    return lambda path: torch.jit.script(make().eval())._save_for_lite_interpreter(
        str(path), _use_flatbuffer=flatbuffer
    )


def _script(make: Callable[[], nn.Module]) -> Callable[[Path], None]:
    return lambda path: torch.jit.script(make().eval()).save(str(path))


_MAKERS: dict[str, Callable[[Path], Any]] = {
    "forward": _script(Forward),
    "setstate": _script(Loaded),
    "from_file": _script(Mapped),
    "function": _script(Function),
    "fork": _script(Aside),
    "branch": _script(Branch),
    "submodule": _script(Inner),
    "object": _script(Object),
    "list": _script(Listed),
    "hook": _script(_hooked),
    "unknown": _script(Unknown),
    "bytecode": _lite(Forward, False),
    "bytecode-setstate": _lite(Loaded, False),
    "flatbuffer": _lite(Forward, True),
    "flatbuffer-setstate": _lite(Loaded, True),
}


def harmful(folder: Path) -> dict[str, bytes]:
    """Each seed's file, and "plain": what does no harm, to hide behind."""
    define_unknown()
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, make in {**_MAKERS, "plain": _script(Plain)}.items():
            make(folder / "m.pt")
            found[name] = (folder / "m.pt").read_bytes()
    return found
