"""Pickles as data: the opcodes are read one by one, nothing is imported and nothing is called.

What a pickle would call becomes a node of a tree, so that a reader can see what it asks for."""

from __future__ import annotations

import io
import pickletools
from collections.abc import Container
from typing import Any

from tsharness.artifact.pickle_values import (
    Call,
    Global,
    Persistent,
    Pickle,
    PickleError,
    UnknownOpcodeError,
    called_by,
)

__all__ = [
    "TORCH_OPCODES",
    "Call",
    "Global",
    "Persistent",
    "Pickle",
    "PickleError",
    "UnknownOpcodeError",
    "read_pickle",
]

_MOST_OPCODES = 5_000_000  # a checkpoint of 100,000 tensors has some three million


def read_pickle(data: bytes, known: Container[str] | None = None, start: int = 0) -> Pickle:
    """The one that begins at ``start``. ``known``: opcodes that it may have, all that there are by default.
    Raises PickleError, and UnknownOpcodeError for another one."""
    try:
        return _Machine(known).run(data, start)
    except PickleError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise PickleError(f"no pickle that can be read: {error}") from None
    except (RecursionError, MemoryError):
        raise PickleError("no pickle that can be read: it is too deep, or too large") from None


_WRITTEN = """
    PROTO STOP MARK EMPTY_LIST EMPTY_TUPLE EMPTY_DICT BINPUT LONG_BINPUT BINGET LONG_BINGET NONE NEWTRUE
    NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE TUPLE TUPLE1 TUPLE2 TUPLE3 APPEND APPENDS
    SETITEM SETITEMS GLOBAL BINPERSID REDUCE NEWOBJ BUILD
"""
TORCH_OPCODES = frozenset(_WRITTEN.split())
"""What LibTorch writes and reads, so that it and this reader see the same."""


class _Machine:
    """pickle's stack machine, with trees in the place of objects."""

    def __init__(self, known: Container[str] | None) -> None:
        self._known = known
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._found = Pickle(None)
        self._named: dict[Global, None] = {}

    def run(self, data: bytes, start: int) -> Pickle:
        file = io.BytesIO(data)
        file.seek(start)
        for count, (opcode, argument, at) in enumerate(pickletools.genops(file)):
            if self._known is not None and opcode.name not in self._known:
                raise UnknownOpcodeError(f"the opcode {opcode.name} at byte {at} is none that torch writes")
            if opcode.name == "STOP":
                self._found.value, self._found.size = self._stack.pop(), (at or 0) + 1 - start
                self._found.globals = list(self._named)
                return self._found
            if count > _MOST_OPCODES:
                raise PickleError(f"a pickle of more than {_MOST_OPCODES} opcodes")
            self._step(opcode.name, argument)
        raise PickleError("a pickle without an end")

    def _step(self, name: str, argument: Any) -> None:
        act = _ACTIONS.get(name)
        if act is None:
            raise UnknownOpcodeError(f"the opcode {name} is not understood")
        act(self, argument)

    def _constant(self, argument: Any) -> None:
        self._stack.append(argument)

    def _nothing(self, _: Any) -> None:
        pass

    def _global(self, argument: str) -> None:
        self._push_global(*argument.split(" ", 1))

    def _extension(self, number: int) -> None:
        self._push_global("copyreg", f"extension {number}")

    def _stack_global(self, _: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise PickleError("it names something by what is no text")
        self._push_global(module, name)

    def _push_global(self, module: str, name: str) -> None:
        found = Global(module, name)
        self._named[found] = None
        self._stack.append(found)

    def _mark(self, _: Any) -> None:
        self._stack.append(_MARK)

    def _put(self, argument: int) -> None:
        self._memo[argument] = self._stack[-1]

    def _memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, argument: int) -> None:
        self._stack.append(self._memo[argument])

    def _tuple_of(self, count: int) -> None:
        items = tuple(self._stack[len(self._stack) - count :]) if count else ()
        del self._stack[len(self._stack) - count :]
        self._stack.append(items)

    def _tuple(self, _: Any) -> None:
        self._stack.append(tuple(self._to_mark()))

    def _list(self, _: Any) -> None:
        self._stack.append(self._to_mark())

    def _dict(self, _: Any) -> None:
        items = self._to_mark()
        self._stack.append({})
        self._set(items)

    def _append(self, _: Any) -> None:
        self._extend([self._stack.pop()])

    def _appends(self, _: Any) -> None:
        self._extend(self._to_mark())

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)

    def _setitem(self, _: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set([key, value])

    def _setitems(self, _: Any) -> None:
        self._set(self._to_mark())

    def _set(self, items: list[Any]) -> None:
        """Of a dict; what an object would do with its items (OrderedDict) is kept as its state."""
        target = self._stack[-1]
        if isinstance(target, Call):
            target.state = target.state if isinstance(target.state, dict) else {}
            target = target.state
        for key, value in zip(items[::2], items[1::2], strict=True):
            # What is no value of its own is another key each time: it may be too deep to be hashed.
            target[key if isinstance(key, (str, int, float, bool)) else (type(key).__name__, id(key))] = value

    def _persistent(self, _: Any) -> None:
        found = Persistent(self._stack.pop())
        self._found.persistents.append(found)
        self._stack.append(found)

    def _text_persistent(self, argument: str) -> None:
        self._stack.append(argument)
        self._persistent(None)

    def _call(self, _: Any) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        self._push_call(function, arguments)

    def _instance(self, argument: str) -> None:
        arguments = tuple(self._to_mark())
        self._global(argument)
        self._push_call(self._stack.pop(), arguments)

    def _object(self, _: Any) -> None:
        function, *arguments = self._to_mark()
        self._push_call(function, tuple(arguments))

    def _push_call(self, function: Any, arguments: Any) -> None:
        named = [one for one in (function, *called_by(function, arguments)) if isinstance(one, Global)]
        self._found.called.update(named)
        self._stack.append(Call(function, arguments))

    def _new_object(self, _: Any) -> None:
        arguments, class_ = self._stack.pop(), self._stack.pop()
        self._stack.append(Call(class_, arguments))

    def _new_object_with_keywords(self, _: Any) -> None:
        keywords = self._stack.pop()
        self._new_object(None)
        self._stack[-1].arguments = (*self._stack[-1].arguments, keywords)

    def _build(self, _: Any) -> None:
        state = self._stack.pop()
        if isinstance(self._stack[-1], Call):
            self._stack[-1].state = state

    def _pop(self, _: Any) -> None:
        self._stack.pop()

    def _pop_mark(self, _: Any) -> None:
        self._to_mark()

    def _dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def _to_mark(self) -> list[Any]:
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise PickleError("a mark is missing")
        items = self._stack[at + 1 :]
        del self._stack[at:]
        return items


_MARK = object()


def _constant(make: Any) -> Any:
    return lambda machine, _: machine._stack.append(make())


_CONSTANTS = """
    INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING BINBYTES
    SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8
"""
_ACTIONS: dict[str, Any] = {
    "PROTO": _Machine._nothing,
    "FRAME": _Machine._nothing,
    "GLOBAL": _Machine._global,
    "STACK_GLOBAL": _Machine._stack_global,
    "INST": _Machine._instance,
    "OBJ": _Machine._object,
    "MARK": _Machine._mark,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine._put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine._get),
    "MEMOIZE": _Machine._memoize,
    "EMPTY_TUPLE": lambda machine, _: machine._tuple_of(0),
    "TUPLE1": lambda machine, _: machine._tuple_of(1),
    "TUPLE2": lambda machine, _: machine._tuple_of(2),
    "TUPLE3": lambda machine, _: machine._tuple_of(3),
    "TUPLE": _Machine._tuple,
    "LIST": _Machine._list,
    "DICT": _Machine._dict,
    "APPEND": _Machine._append,
    "APPENDS": _Machine._appends,
    "SETITEM": _Machine._setitem,
    "SETITEMS": _Machine._setitems,
    "ADDITEMS": _Machine._appends,
    "BINPERSID": _Machine._persistent,
    "PERSID": _Machine._text_persistent,
    "REDUCE": _Machine._call,
    "NEWOBJ": _Machine._new_object,
    "NEWOBJ_EX": _Machine._new_object_with_keywords,
    "FROZENSET": _Machine._tuple,
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), _Machine._extension),
    **dict.fromkeys(_CONSTANTS.split(), _Machine._constant),
    "BUILD": _Machine._build,
    "POP": _Machine._pop,
    "POP_MARK": _Machine._pop_mark,
    "DUP": _Machine._dup,
    "EMPTY_DICT": _constant(dict),
    "EMPTY_LIST": _constant(list),
    "EMPTY_SET": _constant(list),
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
}
