"""What is known of operators: kinds as data, and which LibTorch has which."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

PURE, UNKNOWN = "pure", "unknown"
DANGEROUS: Mapping[str, str] = {"file": "TS361", "process": "TS362", UNKNOWN: "TS363"}
"""Kinds that are dangerous, with the finding that says so."""

_INTERPRETED = frozenset(("prim::Print", "prim::fork", "prim::awaitable"))
"""What the interpreter knows itself, in no registry."""
_WRITTEN = frozenset(
    (
        *("prim::shape", "prim::ndim", "prim::T", "prim::H", "prim::mT", "prim::mH"),
        *("aten::_single", "aten::_pair", "aten::_triple", "aten::_quadruple", "aten::list_with_default"),
        *("aten::_assert", "aten::_assert_int_or_pair", "aten::type"),
    )
)
"""Functions that LibTorch has written in TorchScript: in no registry, and compiled with whatever calls them.
They are made of pure operators (torch/csrc/jit/frontend/builtin_functions.cpp)."""
_LIBRARIES = {
    "torchvision": "torchvision (libtorchvision.so, or import torchvision)",
    "torchaudio": "torchaudio (libtorchaudio.so)",
    "torchtext": "torchtext (libtorchtext.so)",
    "torch_scatter": "torch-scatter",
    "torch_sparse": "torch-sparse",
    "torch_cluster": "torch-cluster",
    "torch_spline_conv": "torch-spline-conv",
    "pyg": "pyg-lib",
    "tensorrt": "Torch-TensorRT (libtorchtrt_runtime.so, for the same TensorRT and GPU)",
    "fbgemm": "fbgemm-gpu",
    "torch_ipex": "Intel Extension for PyTorch",
    "metatensor": "metatensor-torch",
    "metatomic": "metatomic-torch",
    "mmcv": "mmcv",
    "mmdeploy": "mmdeploy (libmmdeploy_torchscript_ops.so)",
    "detectron2": "detectron2",
    "neuron": "AWS Neuron",
    "caffe2": "Caffe2, which PyTorch no longer has: export without its operators",
    "_caffe2": "Caffe2, which PyTorch no longer has: export without its operators",
}


@dataclass(frozen=True)
class Overload:
    """One schema of an operator."""

    name: str
    arguments: tuple[str, ...]
    required: int
    """How many of them have no default."""

    def takes(self, positional: int, keywords: Sequence[str]) -> bool:
        """Whether a call of that form may be meant."""
        return positional + len(keywords) <= len(self.arguments) and all(
            k in self.arguments for k in keywords
        )


@dataclass(frozen=True)
class Registry:
    """The operators of one LibTorch."""

    libtorch: str
    overloads: Mapping[str, tuple[Overload, ...]]
    """By the operator's name, "aten::add"."""

    def has(self, op: str) -> bool:
        return op in self.overloads or op in _INTERPRETED or op in _WRITTEN

    def takes(self, op: str, positional: int, keywords: Sequence[str]) -> bool:
        """Whether one of its overloads takes such a call; the interpreter's own are not asked."""
        if op.startswith("prim::") or op in _WRITTEN or not keywords:
            return True
        return any(one.takes(positional, keywords) for one in self.overloads.get(op, ()))


@cache
def kinds() -> Mapping[str, str]:
    """The kind of every operator that is not just pure, by its name."""
    data = json.loads(_read("kinds.json"))
    return {op: kind for kind, ops in data.items() for op in ops}


@cache
def known_registries() -> tuple[Registry, ...]:
    """Those whose operators are listed in this package, the oldest first."""
    folder = files("tsharness.inspection").joinpath("registries")
    names = sorted((item.name for item in folder.iterdir() if item.name.endswith(".json")), key=_version)
    return tuple(
        registry_from(name.removesuffix(".json"), json.loads(_read(f"registries/{name}"))) for name in names
    )


def registry_from(libtorch: str, data: Mapping[str, Sequence[Any]]) -> Registry:
    """From its JSON: by operator, a list of [overload, required, argument, ...]."""
    overloads = {
        op: tuple(Overload(name, tuple(arguments), required) for name, required, *arguments in found)
        for op, found in data.items()
    }
    return Registry(libtorch, overloads)


def kind_of_operator(op: str) -> str:
    """ "pure", "random", "stateful", "prints", "file", "process"; "unknown" if no LibTorch has it."""
    kind = kinds().get(op)
    if kind is not None:
        return kind
    known = any(registry.has(op) for registry in known_registries())
    return PURE if known else UNKNOWN


@cache
def harmless_operators() -> tuple[str, ...]:
    """All of the known LibTorches that are not dangerous."""
    names = {name for registry in known_registries() for name in registry.overloads} | _INTERPRETED | _WRITTEN
    return tuple(sorted(name for name in names if kinds().get(name) not in DANGEROUS))


def library_of(name: str) -> str:
    """What provides an operator's or a class's namespace, in words; empty if nobody knows."""
    return _LIBRARIES.get(name.partition("::")[0], "")


def _read(name: str) -> str:
    return files("tsharness.inspection").joinpath(name).read_text()


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.removesuffix(".json").split(".") if part.isdigit())
