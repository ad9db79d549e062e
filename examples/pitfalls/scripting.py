"""What torch.jit.script refuses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Optional

import torch

from pitfalls import pitfall

SCALES = {"small": 0.5}


def script(code: str):
    return pitfall(code, method="script")


@script("TS171")
class StarArguments(torch.nn.Module):
    def forward(self, *xs: torch.Tensor) -> torch.Tensor:
        return xs[0] + 1


@script("TS172")
class FilteredComprehension(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + sum([i for i in range(4) if i > 1])


@script("TS173")
class Lambda(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        double = lambda y: y * 2
        return double(x)


@script("TS174")
class EmptyList(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sizes = []
        sizes.append(1)
        return x + sizes[0]


@script("TS175")
class TwoTypes(torch.nn.Module):
    def forward(self, x: torch.Tensor, flag: bool = True) -> torch.Tensor:
        y = x if flag else 1
        if flag:
            z = y
        else:
            z = 2.5
        return x + z


@script("TS176")
class OneBranch(torch.nn.Module):
    def forward(self, x: torch.Tensor, flag: bool = True) -> torch.Tensor:
        if flag:
            y = x + 1
        return y


@script("TS177")
class TwoReturns(torch.nn.Module):
    def forward(self, x: torch.Tensor, flag: bool = True):
        if flag:
            return x + 1
        return x, x


@script("TS178")
class PickedLayer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(4, 4) for _ in range(2))

    def forward(self, x: torch.Tensor, which: int = 0) -> torch.Tensor:
        return self.layers[which](x)


@script("TS179")
class PickedAttribute(torch.nn.Module):
    def forward(self, x: torch.Tensor, name: str = "relu") -> torch.Tensor:
        return getattr(x, name)()


@script("TS181")
class Inherits(torch.nn.Linear):
    def __init__(self) -> None:
        super().__init__(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + 1


@script("TS182")
class PythonFunction(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * math.prod([2, 3])


@script("TS183")
class Global(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * SCALES["small"]


@script("TS184")
class PlainListOfModules(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [torch.nn.Linear(4, 4)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


@script("TS185")
class NewAttribute(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.last = x
        return x + 1


@script("TS186")
class OptionalArgument(torch.nn.Module):
    def forward(self, x: torch.Tensor, mask: Optional[torch.Tensor] = None) -> torch.Tensor:
        return x + (mask or x)


@script("TS187")
class NoneDefault(torch.nn.Module):
    def forward(self, x: torch.Tensor, times: int = None) -> torch.Tensor:
        return x + 1


@script("TS188")
class Untyped(torch.nn.Module):
    def helper(self, sizes):
        return sum(sizes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sizes: List[int] = [1, 2]
        return x + self.helper(sizes)


@script("TS189")
class UnknownType(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if isinstance(x, dict):
            return x["x"]
        return x + 1


@script("TS190")
class UnpackedShape(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, *rest = x.shape
        return x + first


@dataclass
class Output:
    values: torch.Tensor


@script("TS191")
class Dataclass(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Output(x).values + 1


@script("TS192")
class IntForFloats(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(x[None], scale_factor=2)


@script("TS199")
class Keywords(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        options: Dict[str, int] = {"dim": 1}
        return torch.softmax(x, **options)
