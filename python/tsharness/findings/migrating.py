"""TS501 to TS524: what keeps a model from another format, by the converters' messages, with the change that
helps.

The first rule whose pattern is found in the message applies; the last one takes whatever is left.
"""

from __future__ import annotations

import re

from tsharness.findings.rule import Rule

MIGRATION_RULES = (
    Rule(
        "TS524",
        "error",
        "quantised weights",
        "quantised modules hold weights packed for LibTorch's own kernels; the new formats quantise in "
        "their own way and have no form of these",
        "migrate the model as it was before it was quantised, and quantise for the target: torchao's pt2e "
        "for aoti and executorch, ONNX Runtime's tools for onnx; --to lite keeps them as they are",
        r"[qQ]uantized (op|operator)|quantized::|quantized\.\w+PackedParams|\.quantized\.|QuantizedC",
    ),
    Rule(
        "TS501",
        "error",
        "a branch or a size that depends on values",
        "the new formats hold one graph for all inputs; what is decided by a tensor's values is not in it",
        "torch.where for values, torch.cond for branches, torch._check(...) for what is known of a size; or "
        "migrate from the Python model, where these can be written",
        r"data-dependent|GuardOnDataDependent|unbacked|Could not guard|Cannot cast FakeTensor|\.item\(\)"
        r"|bool\(\) on a tensor|DataDependent",
    ),
    Rule(
        "TS502",
        "error",
        "a loop whose length is not known",
        "the converter unrolls loops over a number; other loops have no form in the new graph",
        "write it as one operation over the whole tensor, or migrate from the Python model with "
        "torch._higher_order_ops.while_loop",
        r"prim::Loop|while_loop",
    ),
    Rule(
        "TS503",
        "error",
        "state in attributes",
        "a method that assigns an attribute keeps state that the new formats only know as buffers",
        "register_buffer for the tensor and write into it (copy_), or pass the state in and out as arguments",
        r"prim::SetAttr|attribute .* (assigned|mutat)|SetAttr|assigned during export",
    ),
    Rule(
        "TS504",
        "error",
        "an operator or statement that the converter does not know",
        "the converter for TorchScript handles the common part of its language",
        "migrate from the Python model instead (MODULE:FACTORY), or rewrite this line without it",
        r"Unsupported node|Unsupported constant|not supported by TS2EP|prim::\w+|Input \S+ not found"
        r"|Attribute \S+ not found|ATen node type .* not found|Unable to find operator",
    ),
    Rule(
        "TS505",
        "error",
        "an object of a custom class",
        "torchbind and script classes have no form in the new graph",
        "take tensors and plain containers of them, or migrate from the Python model without the class",
        r"ScriptObject|torchbind|__torch__\.",
    ),
    Rule(
        "TS506",
        "error",
        "an operator that the target has no kernel for",
        "the graph is exported, but the target's libraries lack an operator of it",
        "replace the operator, register a kernel or a decomposition for it, or choose another target",
        r"Missing out variants|No decompositions|not Core ATen|[nN]o ONNX function|DispatchError"
        r"|not found in the registry|Could not find .* kernel|OperatorMissing",
    ),
    Rule(
        "TS507",
        "error",
        "Python that cannot be traced",
        "the exporter follows tensors through the code; what leaves them, or reads other state, stops it",
        "keep NumPy, printing, and objects of other libraries outside of forward",
        r"numpy|Unsupported: |graph break|call to a builtin|Dynamo",
    ),
    Rule(
        "TS508",
        "error",
        "the C++ compiler is missing or fails",
        "AOTInductor writes C++ and has a compiler translate it, both in the cage",
        "if it is missing, install one (Debian: apt-get install g++), or state it: CXX=...; a compiler that "
        "the cage stops (a script that starts another) runs with --sandbox off",
        r"C\+\+ compiler|InvalidCxxCompiler|CppCompileError|No working C\+\+",
    ),
    Rule(
        "TS509",
        "error",
        "what converts is not installed",
        "this target needs a package besides torch",
        "pip install 'tsharness[{extra}]'",
        r"No module named",
    ),
    Rule(
        "TS519",
        "error",
        "a statement that bytecode for phones lacks",
        "the lite interpreter has no instruction for it",
        "write the model without it: a plain call instead of torch.jit.fork, tensors and plain containers "
        "instead of a context or a named tuple",
        r"not supported in (mobile module|lite interpreter)",
    ),
    Rule(
        "TS510",
        "error",
        "the converter fails",
        "its message says why, as far as it knows",
        "try it from the Python model (MODULE:FACTORY) or from its TorchScript, whichever this was not",
        "",
    ),
    Rule(
        "TS511",
        "warning",
        "a dim became constant",
        "the cases, or the signature, have several sizes of it, and the new artifact takes one",
        "write the model without int() or len() on sizes, or migrate one artifact for each size",
        "^$",
    ),
    Rule(
        "TS512",
        "note",
        "operators that no backend took",
        "they run by ExecuTorch's portable kernels, which are simple and slow",
        "replace them, or accept it where they are cheap",
        "^$",
    ),
    Rule(
        "TS520",
        "error",
        "an argument that became constant",
        "the new formats take tensors alone: what is none has, in the new file, the value of the sample, "
        "whatever the caller says",
        "pass it as a tensor, or migrate one file for each value; a value that never changes is declared: "
        "--fixed NAME",
        "^$",
    ),
    Rule(
        "TS521",
        "error",
        "sizes that the new file does not take",
        "the old file was called with them, and gave outputs; the new one was compiled for the sizes of its "
        "sample: it refuses others, or, without AOTI_RUNTIME_CHECK_INPUTS=1, answers for those",
        "--dynamic 'NAME=N,...' for the dims that are to change, from the Python model (MODULE:FACTORY) "
        "if need be; sizes that never change are declared: --fixed NAME",
        "^$",
    ),
    Rule(
        "TS522",
        "error",
        "extra files that stay behind",
        "whoever reads them with the model (torch.jit.load's _extra_files) finds nothing in the new file",
        "ship them beside the new file; --to lite and --to aoti carry them over",
        "^$",
    ),
    Rule(
        "TS523",
        "error",
        "state that is not kept",
        "the old file writes to buffers, and a later call sees what an earlier one wrote; the new format "
        "begins each call with what was saved",
        "pass the state in and out as arguments, or choose a target that keeps it: --to aoti, --to lite",
        "^$",
    ),
    Rule(
        "TS513",
        "error",
        "methods that stay behind",
        "the new formats have forward alone; other methods, and their cases, were not carried over",
        "migrate each method as a module of its own whose forward calls it",
        "^$",
    ),
    Rule(
        "TS514",
        "warning",
        "latencies were not compared",
        "one of the two could not be measured beside the other",
        "compare them yourself: tsharness compare OLD NEW",
        "^$",
    ),
    Rule(
        "TS515",
        "warning",
        "right for contiguous inputs alone",
        "AOTInductor compiles the strides of its sample into the code and does not look at those that it "
        "gets: other layouts of the same values are read wrongly, without a word",
        "call .contiguous() on every input in the server, and promise it with --contiguous; with "
        "AOTI_RUNTIME_CHECK_INPUTS=1 in its environment the machine code itself looks, and refuses",
        "^$",
    ),
    Rule(
        "TS516",
        "note",
        "made of its TorchScript",
        "torch.export refuses the model in Python; the converter for TorchScript takes what was made of it",
        "nothing, if the result is right; TorchScript will not stay, so rewrite that line some day",
        "^$",
    ),
    Rule(
        "TS517",
        "error",
        "a model that is another one each time",
        "it is made once for its cases and once to be converted, in two processes; weights that nobody seeds "
        "or loads differ, so nothing can be compared",
        "torch.manual_seed(0) in the factory, or load the weights there",
        "^$",
    ),
    Rule(
        "TS518",
        "note",
        "contexts that were left out",
        "bytecode for phones has no instruction for `with`; torch.no_grad() and record_function() change no "
        "value",
        "nothing, if whoever calls it computes without gradients (c10::InferenceMode), as the runner does",
        "^$",
    ),
)


def rule_for(message: str) -> Rule:
    """The first rule whose pattern is found in what a converter said."""
    return next(rule for rule in MIGRATION_RULES if re.search(rule.pattern, message))
