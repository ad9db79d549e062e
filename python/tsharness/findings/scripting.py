"""TS170 to TS199: what torch.jit.script refuses, by its messages, with the change that helps.

The first rule whose pattern is found in the message applies; the last one takes whatever is left.
"""

from __future__ import annotations

import re

from tsharness.findings.rule import Rule

SCRIPTING_RULES = (
    Rule(
        "TS171",
        "error",
        "*args or **kwargs",
        "TorchScript compiles one signature with a fixed number of arguments",
        "name every argument, or take a List[Tensor] or Dict[str, Tensor]",
        r"variable number of arguments or use keyword-only arguments",
    ),
    Rule(
        "TS172",
        "error",
        "a comprehension with a condition",
        "TorchScript knows comprehensions over a list without if",
        "write a loop that appends: `if cond: out.append(item)`",
        r"Comprehension ifs are not supported",
    ),
    Rule(
        "TS173",
        "error",
        "syntax that TorchScript does not have",
        "TorchScript is a subset of Python: no lambda, set, try, import, := or del inside what is compiled",
        "move it out of forward (into __init__, or to the caller), or rewrite it with if, for and while",
        r"aren't supported|is not supported in this context|is not a supported (statement|expression)",
    ),
    Rule(
        "TS174",
        "error",
        "an empty list or dict without a type",
        "an empty [] is a List[Tensor], an empty {} a Dict[str, Tensor] to TorchScript",
        "annotate it where it is made: `out: List[int] = []`",
        r"Could not match type .* to t|previously matched to type",
    ),
    Rule(
        "TS175",
        "error",
        "a variable has two types",
        "TorchScript gives a variable one type, whichever branch runs",
        "use two names, or annotate the first one: `y: Optional[Tensor] = None`",
        r"Type mismatch: \S+ is set to type|previously had type|if-expression's true branch has type",
    ),
    Rule(
        "TS176",
        "error",
        "a variable is set in one branch only",
        "it must exist whichever branch runs",
        "set it before the if",
        r"is not defined in the (true|false) branch",
    ),
    Rule(
        "TS177",
        "error",
        "returns of different types",
        "a TorchScript function returns one type",
        "return the same type from each branch, an Optional, or annotate the result with Union[...]",
        r"Previous return statement returned a value of type",
    ),
    Rule(
        "TS178",
        "error",
        "modules picked by a variable",
        "each module of a ModuleList has a type of its own: the index must be known when it is compiled",
        "loop: `for i, layer in enumerate(self.layers): if i == wanted: x = layer(x)`",
        r"indexing is only supported with integer literals|index but got a variable",
    ),
    Rule(
        "TS179",
        "error",
        "an attribute chosen by a variable",
        "attributes are resolved when the code is compiled",
        "write the attribute's name, with an if for each choice",
        r"getattr's second argument must be a string literal|hasattr's second argument",
    ),
    Rule(
        "TS181",
        "error",
        "super() of a forward",
        "TorchScript compiles methods of the object itself, not of its bases",
        "hold the base as a submodule, or move the shared code to a method that both call",
        r"object has no attribute or method 'forward'",
    ),
    Rule(
        "TS182",
        "error",
        "a Python function that TorchScript does not know",
        "only torch's operators, and functions that are compiled themselves, can be called",
        "use torch's equivalent; where the call is not needed in production, guard it with "
        "`if not torch.jit.is_scripting()` or mark it @torch.jit.unused",
        r"Python builtin .* is currently not supported|Unknown builtin op",
    ),
    Rule(
        "TS183",
        "error",
        "a global that is no constant",
        "a name from outside is taken if it is a number, a string, a bool, None or a function",
        "make it an attribute of the module, or an argument",
        r"cannot be used as a value|python value of type .* cannot be used",
    ),
    Rule(
        "TS184",
        "error",
        "an attribute of a type that TorchScript cannot hold",
        "attributes become part of the artifact: tensors, numbers, strings, lists and dicts of one type, "
        "modules in a ModuleList or ModuleDict",
        "use ModuleList, annotate it on the class (`sizes: List[int]`), or mark it Final",
        r"failed to convert Python type",
    ),
    Rule(
        "TS185",
        "error",
        "an attribute is made outside of __init__",
        "a module's attributes and their types are fixed when it is compiled",
        "set it in __init__; if it is None at first, annotate it on the class: `last: Optional[Tensor]`",
        r"Tried to set nonexistent attribute",
    ),
    Rule(
        "TS186",
        "error",
        "an Optional that may still be None",
        "TorchScript follows `if x is not None` for local variables, not for attributes, and not through "
        "`or`",
        "copy it to a local first: `mask = self.mask`, then `if mask is not None`; or assert that it is not",
        r"(instead )?found type '?Optional\[|Could not cast value of type Optional|value of type Optional",
    ),
    Rule(
        "TS187",
        "error",
        "a default that is not of the argument's type",
        "None is a value of Optional[...] alone",
        "annotate it `Optional[int] = None`",
        r"Expected a default value of type",
    ),
    Rule(
        "TS188",
        "error",
        "an argument without a type is a Tensor",
        "what has no annotation is a Tensor to TorchScript, and this one is used as something else",
        "annotate it: `def forward(self, x: Tensor, n: int, names: List[str])`",
        r"Tensor \(inferred\)'|is inferred to be type '?Tensor|no type was annotated",
    ),
    Rule(
        "TS189",
        "error",
        "a type that TorchScript does not know",
        "it knows Tensor, int, float, bool, str, List, Dict, Tuple, Optional, and classes that it compiled",
        "use typing's List, Dict and Tuple with their element types, or leave the test out; for attributes "
        "annotated on the class, drop `from __future__ import annotations`",
        r"Unknown type (name|constructor|annotation)",
    ),
    Rule(
        "TS190",
        "error",
        "a list of unknown length is unpacked",
        "x.shape is a list: how many values it has is known only when it runs",
        "name every dim (`n, c, h, w = x.shape`), or index: `x.size(0)`",
        r"cannot statically infer the expected size of a list",
    ),
    Rule(
        "TS191",
        "error",
        "the source of a function or class is not there",
        "TorchScript compiles source code; built-in, generated (dataclass) and interactively typed code has "
        "none",
        "write it in a file as a plain function or class, or return a tuple or dict instead",
        r"Failed to get source|could not get source code|Can't get source for|get source for",
    ),
    Rule(
        "TS192",
        "error",
        "a call whose arguments do not fit",
        "TorchScript checks the types of every call, and does not convert an int to a list or a float",
        "give what the signature above asks for, for example [2.0, 2.0] for a List[float]",
        r"Arguments for call are not valid|Expected a value of type|"
        r"Argument \w+ not provided|argument \w+ unknown",
    ),
    Rule(
        "TS199",
        "error",
        "torch.jit.script does not take this",
        "TorchScript is a subset of Python with static types",
        "rewrite the line, or mark what is not needed @torch.jit.unused; or export with method trace",
        r"",
    ),
)


def rule_for(message: str) -> Rule:
    """The rule that an error of torch.jit.script falls under."""
    return next(rule for rule in SCRIPTING_RULES if re.search(rule.pattern, message))
