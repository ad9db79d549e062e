"""TS2xx: why a verification failed, where the evidence says so."""

from __future__ import annotations

from tsharness.findings.rule import Rule

VERIFY_RULES = (
    Rule(
        "TS201",
        "error",
        "a later call differs, the state is as it was",
        "TorchScript's executor rewrites the graph between the first calls, and random operators "
        "draw new numbers in each",
        "export in eval mode; then compare with the fuser off",
    ),
    Rule(
        "TS202",
        "error",
        "a later call differs, and the model changed its own state",
        "the model keeps state from call to call, and the case was recorded as a single call",
        "record the calls as one sequence (tsharness.Inputs in a list), or reset the state",
    ),
    Rule(
        "TS203",
        "error",
        "a trace fails where the tracer had warned",
        "a tensor became a Python {kind} there, so the trace holds one path or one value for every input",
        'export with method="script", or keep the decision in tensors (torch.where)',
    ),
    Rule(
        "TS204",
        "error",
        "outputs in another order than the reference's",
        "the values are right, their places are not; a caller that goes by position reads the wrong ones",
        "return the outputs in the reference's order, or by name (a dict, a named tuple)",
    ),
    Rule(
        "TS205",
        "warning",
        "the artifact was exported although its self-check failed",
        "it was written with --force: its maker knew that it did not compute what the model computes",
        "export it again without --force, with what the self-check asked for",
    ),
    Rule(
        "TS206",
        "error",
        "a switch of LibTorch makes the difference",
        "the same case on the same artifact is right with this one thing changed, so it is the cause",
        "set it where the model runs: {line}; or record the reference as the server runs",
    ),
    Rule(
        "TS207",
        "note",
        "no switch of LibTorch makes the difference",
        "the artifact itself computes something else than the reference, whatever runs it",
        "--localize names the first operator that differs; tsharness diff-input says whether inputs do",
    ),
    Rule(
        "TS208",
        "note",
        "the place of a difference could not be found",
        "without a second target that runs operator by operator there is nothing to compare with",
        "give --localize what this line asks for",
    ),
    Rule(
        "TS209",
        "error",
        "an operator or class that this LibTorch does not have",
        "it comes from a library that registered it where the artifact was made (import torchvision, ...); "
        "the runner, like a C++ server, has not loaded that library",
        "pass it: --load-library LIB.so, built for this LibTorch; link it into servers with --no-as-needed",
    ),
    Rule(
        "TS210",
        "note",
        "it computes gradients inside",
        "its code calls autograd, which needs a graph of the calls before it",
        "call it without torch::NoGradGuard and c10::InferenceMode; detach what you keep of its outputs",
    ),
    Rule(
        "TS211",
        "warning",
        "hooks of the module itself",
        "module(inputs) in Python runs them, and so does verify; torch::jit::Module::forward in C++ does not",
        "put the module into another one, whose forward calls it: then its hooks are compiled into that",
    ),
)
