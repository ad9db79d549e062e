"""TS34x: what in an artifact's code is known to hurt in production; TS36x: what can hurt at all."""

from __future__ import annotations

from tsharness.findings.rule import Rule

LINT_RULES = (
    Rule(
        "TS341",
        "warning",
        "a device is baked in",
        "what is made there is on that device wherever the model runs: moving it, or a second GPU, fails",
        "x.new_zeros, torch.zeros_like, a registered buffer, or @torch.jit.script_if_tracing; export again",
    ),
    Rule(
        "TS342",
        "note",
        "a dtype is baked in",
        "casting the loaded model (half, bfloat16, double) does not change what is cast here",
        "x.to(y.dtype) in a scripted function, or trace in the dtype of the target",
    ),
    Rule(
        "TS343",
        "warning",
        "a size of the example may be baked in",
        "the number equals the example's first dim: another batch fails, or is silently wrong",
        "x.shape[0] without int(), -1 in view, or script; verify's check shapes tells whether it is",
    ),
    Rule(
        "TS344",
        "warning",
        "recorded in training mode",
        "dropout draws random numbers, batch norm uses the batch's own statistics; eval() after loading does "
        "not change what a trace has recorded",
        "model.eval() before the export",
    ),
    Rule(
        "TS345",
        "warning",
        "random numbers",
        "two calls give two results, and another seed than Python's",
        "pass the noise in as an input, or seed every call in the server",
    ),
    Rule(
        "TS346",
        "warning",
        "an input is written to",
        "the caller's own tensor changes, and a second call with it gives another result",
        "clone it first, or use the operator without the underscore",
    ),
    Rule(
        "TS347",
        "warning",
        "it changes its own state while it runs",
        "calls depend on earlier calls, and two threads on one module disturb each other",
        "clone the module for each stream and thread; or pass the state in and out",
    ),
    Rule(
        "TS348",
        "note",
        "frozen: the weights are constants",
        "to(device), half() and load_state_dict have no effect on them",
        "freeze after moving, one artifact for each device and dtype",
    ),
    Rule(
        "TS349",
        "note",
        "double precision among single",
        "float64 takes twice the memory and many times the time on a GPU, and rarely was meant",
        "cast the tensor, or the constant that it comes from, before the export",
    ),
    Rule(
        "TS350",
        "warning",
        "subnormal weights",
        "arithmetic with numbers below 1.2e-38 is up to 100 times slower on a CPU",
        "at::globalContext().setFlushDenormal(true) in every thread, or set such weights to 0",
    ),
    Rule(
        "TS351",
        "warning",
        "a function that was ignored can be reached",
        "@torch.jit.ignore and @unused leave an exception in its place: it is raised when that line runs",
        "script the function, or see that no input leads there",
    ),
    Rule(
        "TS352",
        "warning",
        "not what Triton's PyTorch backend takes",
        "it passes tensors and one-dimensional lists of strings, or a single Dict[str, Tensor], and does not "
        "load a model with other arguments, Optional ones too; it takes a tensor, a tuple or a list of them",
        "wrap forward so that it takes tensors and returns a tuple",
    ),
    Rule(
        "TS353",
        "warning",
        "weights were saved on a GPU",
        "loading without a device fails where there is no such GPU",
        "torch::jit::load(path, torch::kCPU), or save the model from the CPU",
    ),
    Rule(
        "TS354",
        "warning",
        "autocast was recorded",
        "casts of the moment are in the graph, with copies of the weights; other processes and later calls "
        "disagree on dtypes",
        "export without autocast; cast the weights explicitly, or trace with cache_enabled=False",
    ),
    Rule(
        "TS355",
        "warning",
        "gradients are computed inside",
        "InferenceMode and no_grad, as servers use them, make this fail",
        "run it in grad mode: verify's check grad-mode shows; Triton's PyTorch backend cannot serve it",
    ),
    Rule(
        "TS356",
        "warning",
        "saved after optimize_for_inference",
        "it bakes in oneDNN's formats, does not always load again, and has given wrong results",
        "save the model before it is optimised, and optimise where it runs",
    ),
    Rule(
        "TS361",
        "error",
        "it can read or write files",
        "the operator opens a file whose name stands in the artifact, when the line runs, without asking",
        "use it only if its maker is trusted and this is meant; then --allow-op {op}",
    ),
    Rule(
        "TS362",
        "error",
        "it can talk to other processes",
        "the operator sends data elsewhere, or runs functions there",
        "use it only if its maker is trusted and this is meant; then --allow-op {op}",
    ),
    Rule(
        "TS363",
        "error",
        "an operator that nobody knows",
        "what it does depends on the library that provides it, which is native code",
        "if the library is trusted: --load-library LIB.so, or --allow-op {op}",
    ),
    Rule(
        "TS364",
        "error",
        "its objects name something outside of TorchScript",
        "a reader that unpickles them, as torch.load does, would import and call it",
        "do not use this file, and never unpickle it",
    ),
    Rule(
        "TS365",
        "error",
        "something that was not understood",
        "torch writes code and bytecode of a certain form; what has another one cannot be judged",
        "export the model again; if torch wrote this file, report it with the line",
    ),
    Rule(
        "TS366",
        "error",
        "readers may see different archives",
        "LibTorch, Python and what unpacks a zip find its directory in ways of their own; torch writes one "
        "on which all agree",
        "do not use this file; copy it again from where it was exported",
    ),
)
