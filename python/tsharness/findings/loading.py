"""TS38x: what keeps an archive from being loaded, or its values from being passed."""

from __future__ import annotations

from tsharness.findings.rule import Rule

LOAD_RULES = (
    Rule(
        "TS381",
        "error",
        "code is missing",
        "the archive names a class or a function that it has no code of: LibTorch cannot load it",
        "save the model again with torch.jit.save, and ship the file as it is, with all of code/",
    ),
    Rule(
        "TS382",
        "error",
        "a variable has two types",
        "torch.jit.save wrote it without the Union that it was declared as: the branches do not go together "
        "when LibTorch compiles the code again: the file cannot be loaded",
        "give the value of each branch a name of its own, or make both of one type, at that line of the "
        "model; then export again",
    ),
    Rule(
        "TS383",
        "error",
        "a name that nothing defines",
        "LibTorch compiles the code when it loads the file, and stops there",
        "export the model again with torch.jit.save; code that was edited by hand has to be whole",
    ),
    Rule(
        "TS384",
        "warning",
        "objects are passed in or given back",
        "torch.jit in Python passes no objects of loaded script classes or enums, and no case file can hold "
        "one: C++ callers alone can use it, and nothing here can compare it",
        "wrap forward so that it takes and returns tensors, numbers, strings, and tuples, lists and dicts of "
        "them; a NamedTuple is a tuple",
    ),
)
