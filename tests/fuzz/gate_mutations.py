"""Changes of archives that know what an archive consists of: directories, names, code, pickles."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

ODD = [
    "\f",
    "\v",
    "\r",
    "\t",
    "\x1c",
    "\x85",
    "\xa0",
    "\u2028",
    "\u3000",
    "\0",
    "\ufeff",
    "\\\n",
    "\n",
    " ",
    "#",
    ";",
    '"',
    "'",
]
SAVES = [
    *(
        "torch .save",
        "torch. save",
        "torch\\\n.save",
        "(torch).save",
        'getattr(torch, "save")',
        "ops.aten.save",
    ),
    *(
        "torch.autograd.save",
        "ops.x.autograd.save",
        "torch.\tsave",
        "torch.\fsave",
        "torch#\n.save",
        "tor\\\nch.save",
    ),
    *(
        "torch.s\u0061ve",
        "\uff54orch.save",
        "torch.\uff53ave",
        "__torch__.torch.save",
        "x.save",
        "torch.save\v",
    ),
]
LINES = [
    *(
        '"""',
        "'''",
        "# type: ignore",
        "# type: (Tensor) -> Tensor",
        "if 0:",
        "pass",
        "import os",
        "op_version_set = 1",
    ),
    *(
        "@torch.jit.ignore",
        "def forward(self, x: Tensor) -> Tensor:",
        "class M(Module):",
        "return x",
        "x = 1; y = 2",
    ),
    *(
        "y = x is nottorch.numel(x)",
        "y = not intorch.numel(x)",
        "lambda: 0",
        'r"\\"',
        'b"#"',
        "x = 'a' \\",
        "global x",
    ),
    *(
        '  a : Final[int] = torch.save(1, "marker")',
        "__forward_hooks__ = []",
        "while True:",
        "else:",
        "(",
        ")",
        "}",
    ),
]
NAMES = [
    lambda n: n.upper(),
    lambda n: n.replace("code", "CODE"),
    lambda n: n.replace(".py", ".PY"),
    lambda n: n.replace(".py", ".py.debug_pkl"),
    lambda n: n.replace("/", "//", 1),
    lambda n: n.replace("/", "/./", 1),
    lambda n: n.replace("/", "\\"),
    lambda n: n.replace("/code/", "/x/../code/"),
    lambda n: f"{n}\0.txt",
    lambda n: f"/{n}",
    lambda n: f"{n} ",
    lambda n: n.replace("a", "\u0430"),
    lambda n: n.replace("data.pkl", "Data.pkl"),
    lambda n: f"other/{n.partition('/')[2]}",
    lambda n: n.swapcase(),
]


@dataclass(frozen=True)
class Record:
    """One entry: what the directory says, and what stands where it lies."""

    name: bytes
    data: bytes
    method: int = 0
    local_name: bytes | None = None
    local_method: int | None = None
    flags: int = 0x800
    size: int | None = None
    offset: int = 0
    """Added to the true one."""
    extra: bytes = b""


def records_of(data: bytes) -> list[Record]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [Record(i.filename.encode(), archive.read(i)) for i in archive.infolist()]


def zipped(records: Sequence[Record], *, comment: bytes = b"", between: bytes = b"", shift: int = 0) -> bytes:
    """A zip of these, right or wrong."""
    out, directory = bytearray(), bytearray()
    for one in records:
        packed = one.data if one.method != 8 else _deflated(one.data)
        size = len(one.data) if one.size is None else one.size
        head = (one.flags, one.method, 0, 0, zlib.crc32(one.data), len(packed), size)
        local = one.name if one.local_name is None else one.local_name
        method = one.method if one.local_method is None else one.local_method
        at = max(0, len(out) + one.offset)
        out += struct.pack(
            "<4sHHHHHIIIHH", b"PK\3\4", 20, head[0], method, *head[2:], len(local), len(one.extra)
        )
        out += local + one.extra + packed
        directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, *head, len(one.name), 0, 0, 0, 0, 0, at
        )
        directory += one.name
    start = len(out) + len(between)
    end = struct.pack(
        "<4sHHHHIIH", b"PK\5\6", 0, 0, len(records), len(records), len(directory), start + shift, len(comment)
    )
    return bytes(out) + between + bytes(directory) + end + comment


def _deflated(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


def _pick(records: list[Record], rng: random.Random, ending: bytes = b".py") -> int:
    fitting = [i for i, one in enumerate(records) if one.name.endswith(ending)]
    return rng.choice(fitting or range(len(records)))


def _rename(records: list[Record], rng: random.Random, plain: list[Record]) -> None:
    at = _pick(records, rng, rng.choice([b".py", b".pkl", b"version"]))
    records[at] = replace(records[at], name=rng.choice(NAMES)(records[at].name.decode()).encode())


def _twice(records: list[Record], rng: random.Random, plain: list[Record]) -> None:
    """A harmless record of the same name, or nearly, beside the harmful one."""
    at = _pick(records, rng)
    twin = replace(records[at], data=next(one.data for one in plain if one.name.endswith(b".py")))
    if rng.random() < 0.6:
        twin = replace(twin, name=rng.choice(NAMES)(twin.name.decode()).encode())
    records.insert(rng.choice([0, at, at + 1, len(records)]), twin)


def _disagree(records: list[Record], rng: random.Random, plain: list[Record]) -> None:
    at = _pick(records, rng, rng.choice([b".py", b".pkl"]))
    one = records[at]
    records[at] = rng.choice(
        [
            replace(one, local_name=one.name + b"x"),
            replace(one, local_name=one.name[:-1]),
            replace(one, method=8),
            replace(one, method=8, local_method=0),
            replace(one, method=12),
            replace(one, flags=rng.choice([0, 1, 8, 0x808, 0x2000])),
            replace(one, size=rng.choice([0, 1, len(one.data) // 2, len(one.data) + 9])),
            replace(one, offset=rng.choice([-1, 1, 30, 200, -200])),
            replace(one, extra=b"FB\x02\0ZZ"),
            replace(one, extra=b"\x75\x70\x06\0\x01\0\0\0\0x"),
        ]
    )


def _text(records: list[Record], rng: random.Random, plain: list[Record]) -> None:
    """The code, with something odd in it."""
    at = _pick(records, rng)
    text = records[at].data.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    kind = rng.randrange(7)
    if kind == 0:
        position = rng.randrange(len(text) + 1)
        text = text[:position] + rng.choice(ODD) + text[position:]
    elif kind == 1:
        text = text.replace("torch.save", rng.choice(SAVES))
    elif kind == 2:
        lines.insert(place, rng.choice(["", "  ", "    "]) + rng.choice(LINES))
        text = "\n".join(lines)
    elif kind == 3:
        lines[place] = rng.choice([" ", "\t", "    ", "\f", "#", "\\\n", "# \f", "'''"]) + lines[place]
        text = "\n".join(lines)
    elif kind == 4:
        lines[place] += rng.choice([*ODD, " # \x0cif 0:", " \\", " # x \r", ' """', "\u2028if 0:"])
        text = "\n".join(lines)
    elif kind == 5:
        text = (
            rng.choice([" ", "\ufeff", "\f", "\n\n  ", "# coding: utf-7\n", "if 0:\n", "'''\n", "x = 1\n"])
            + text
        )
    elif found := list(re.finditer(r"\n", text)):
        one = rng.choice(found)
        text = (
            text[: one.start()]
            + rng.choice(["\r", "\r\n", "\n\r", "\v", "\\\n", ";", "\n#"])
            + text[one.end() :]
        )
    records[at] = replace(records[at], data=text.encode("utf-8", "surrogateescape"))


def _pickle(records: list[Record], rng: random.Random, plain: list[Record]) -> None:
    at = _pick(records, rng, rng.choice([b"data.pkl", b"constants.pkl", b"bytecode.pkl"]))
    data = bytearray(records[at].data or b".")
    kind = rng.randrange(5)
    place = rng.randrange(len(data))
    if kind == 0:
        data[place] = rng.randrange(256)
    elif kind == 1:
        data[place:place] = rng.choice(
            [b"0", b"2", b"q\0", b"h\0", b"N", b"K\1", b"\x8c\1x", b"(", b"1", b"."]
        )
    elif kind == 2:
        data = data.replace(
            rng.choice([b"aten", b"save", b"operators", b"forward"]), rng.choice([b"Aten", b"relu"]), 1
        )
    elif kind == 3:
        del data[place : place + rng.randrange(1, 4)]
    else:
        data += rng.choice([b"x", bytes(data)])
    records[at] = replace(records[at], data=bytes(data))


def _shuffle(records: list[Record], rng: random.Random, plain: list[Record]) -> None:
    rng.shuffle(records)


def _nothing(records: list[Record], rng: random.Random, plain: list[Record]) -> None:
    pass


_OF_RECORDS: Sequence[Callable[[list[Record], random.Random, list[Record]], None]] = (
    *(_text,) * 6,
    *(_rename, _twice, _disagree, _pickle, _pickle, _shuffle, _nothing),
)


def mutated(seed: bytes, plain: bytes, rng: random.Random) -> bytes:
    """The file with one to three changes."""
    if not seed.startswith(b"PK"):
        return _bytes(seed, rng)
    records = records_of(seed)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        rng.choice(_OF_RECORDS)(records, rng, records_of(plain))
    data = zipped(records)
    if rng.random() < 0.75:
        return data
    return _around(records, data, zipped(records_of(plain)), rng)


def _around(records: list[Record], data: bytes, plain: bytes, rng: random.Random) -> bytes:
    """Bytes before, behind and between, and a second archive."""
    end = plain[-22:]
    return rng.choice(
        [
            lambda: data + rng.randbytes(rng.choice([1, 22, 70000])),
            lambda: rng.randbytes(rng.choice([1, 4, 64])) + data,
            lambda: data + plain,
            lambda: plain + data,
            lambda: plain + zipped([replace(one, offset=len(plain)) for one in records], shift=len(plain)),
            lambda: zipped(records, comment=plain),
            lambda: zipped(records, comment=end),
            lambda: zipped(records, comment=b"x"),
            lambda: zipped(records, between=plain[plain.index(b"PK\1\2") :]),
            lambda: zipped(records, between=b"PK\6\6" + bytes(52) + b"PK\6\7" + bytes(16)),
            lambda: zipped(records, shift=rng.choice([-4, 4])),
            lambda: _bytes(data, rng),
        ]
    )()


def _bytes(data: bytes, rng: random.Random) -> bytes:
    """A few bytes of the file itself; in what is no zip, names of operators too."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        changed[rng.randrange(len(changed))] = rng.choice([0, 1, 0xFF, rng.randrange(256)])
    if rng.random() < 0.2:
        return bytes(changed).replace(b"aten::save", rng.choice([b"aten::relu", b"Aten::save"]), 1)
    return bytes(changed)
