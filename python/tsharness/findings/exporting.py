"""TS10x to TS16x: what goes wrong while a model is exported, and is noticed in production otherwise."""

from __future__ import annotations

from tsharness.findings.rule import Rule

_TRACING = (
    Rule(
        "TS101",
        "warning",
        "a branch was baked into the trace",
        "a trace records the operations of one run: the branch that was not taken is not in it",
        "export with method script, keep the decision in tensors (torch.where), or script this function "
        "alone (@torch.jit.script_if_tracing)",
    ),
    Rule(
        "TS102",
        "warning",
        "a number was baked into the trace",
        "a tensor became a Python number, and the trace holds that number for every input",
        "keep it a tensor: drop int(), float() and .item(), and give sizes as x.shape[0]; or export with "
        "method script",
    ),
    Rule(
        "TS103",
        "warning",
        "a length was baked into the trace",
        "len() of a tensor is a plain Python number, and the trace holds the example's",
        "write x.shape[0], which the tracer follows",
    ),
    Rule(
        "TS104",
        "warning",
        "a loop over a tensor was unrolled in the trace",
        "the trace repeats the body as often as the example had rows: another size gives wrong results "
        "or none",
        "use operations on the whole tensor, or script the loop (@torch.jit.script_if_tracing)",
    ),
    Rule(
        "TS193",
        "warning",
        "a loop over a size was unrolled in the trace",
        "range() takes the example's size as a plain number, of which the tracer says nothing: the trace "
        "repeats the body as often, and another size gives wrong results or none",
        "use operations on the whole tensor, export with method script, or script the loop "
        "(@torch.jit.script_if_tracing)",
    ),
    Rule(
        "TS105",
        "warning",
        "a tensor made from Python values was baked into the trace",
        "torch.tensor, as_tensor and numpy leave the graph: what they gave for the example is a constant "
        "in the trace",
        "build it by tensor operations (x.new_full, torch.stack, torch.arange), or keep it as a buffer",
    ),
)

_MODE = (
    Rule(
        "TS106",
        "note",
        "the model was in train mode",
        "dropout and batch normalisation behave differently there; eval() on a loaded trace changes nothing",
        "it was exported in eval mode and is back in train mode; --train (train=True) exports it as it is",
    ),
    Rule(
        "TS107",
        "warning",
        "dropout is active",
        "it is recorded with train=True: the artifact's outputs are random, and eval() after loading does "
        "not stop it",
        "export in eval mode, and give functional dropout its mode: F.dropout(x, p, training=self.training)",
    ),
    Rule(
        "TS108",
        "warning",
        "batch normalisation uses the batch's own statistics",
        "a row's result then depends on the other rows of its batch, and the running statistics are not used",
        "export in eval mode, with track_running_stats=True",
    ),
    Rule(
        "TS109",
        "warning",
        "the model draws random numbers",
        "each process has generators of its own: C++ and Python agree only if both set the same seed before "
        "the same call",
        "pass the noise as an input, or seed the generator in the server (torch::manual_seed)",
    ),
)

_PLACEMENT = (
    Rule(
        "TS111",
        "warning",
        "a device was baked in",
        "the artifact makes tensors on {device} wherever it runs: on another device it fails, or copies on "
        "every call",
        "make them from one that is there: x.new_zeros, torch.zeros_like, a buffer; or export an artifact "
        "for each device",
    ),
    Rule(
        "TS112",
        "note",
        "a floating-point dtype was baked in",
        "the artifact makes tensors of {dtype} whatever its inputs and weights are: .half() after loading "
        "does not reach them",
        "take the dtype of a tensor that is there (x.new_zeros, .type_as(x)), or export with --dtype",
    ),
    Rule(
        "TS113",
        "warning",
        "float64 leaks in",
        "nothing that goes in is float64, yet it is computed with: half the speed or less on a CPU, 1/32 to "
        "1/64 on most GPUs, and an output type that callers do not expect",
        "state the dtype where it enters: dtype=x.dtype, torch.tensor(..., dtype=torch.float32)",
    ),
)

_EFFECTS = (
    Rule(
        "TS121",
        "warning",
        "forward writes to its input",
        "in C++ the caller's own buffer changes, and a second call with the same tensor computes something "
        "else",
        "clone the input first, or use the operator without the underscore",
    ),
    Rule(
        "TS122",
        "warning",
        "forward changes the module's state",
        "the next call starts from it; threads that share one module race for it, and a trace may lose it",
        "record call sequences as cases (a list of tsharness.Inputs), and in C++ clone the module for each "
        "stream; or return the state as an output",
    ),
    Rule(
        "TS123",
        "note",
        "an output shares memory with an input",
        "a caller that writes to one changes the other, and an input that is reused overwrites the result",
        "return a clone, or document it for the callers",
    ),
)

_CONTAINERS = (
    Rule(
        "TS131",
        "warning",
        "an output container is not TorchScript's",
        "TorchScript returns {returned} where Python returned {kind}: fields are then reached by position or "
        "key",
        "return a tuple or a dict[str, Tensor] from forward, so that both sides read the same",
    ),
    Rule(
        "TS132",
        "error",
        "a Python call cannot be saved",
        "it is kept as a call into the Python interpreter, which a C++ process does not have",
        "write it with torch's operators, register it as a custom operator (torch.library), or leave it "
        "outside the model",
    ),
    Rule(
        "TS133",
        "note",
        "the structure of the outputs is fixed (non-strict)",
        "lists and dicts in the outputs are recorded as the example made them: keys and lengths no longer "
        "follow the input",
        "return tuples where the structure never changes, or export with method script where it does",
    ),
)

_WEIGHTS = (
    Rule(
        "TS141",
        "note",
        "parameters require gradients",
        "the mode no_grad is not saved: a C++ caller without a guard records the graph, slower and with "
        "more memory",
        "hold c10::InferenceMode (or torch::NoGradGuard) around forward, or call "
        "model.requires_grad_(False) before the export",
    ),
    Rule(
        "TS142",
        "warning",
        "many weights are subnormal",
        "CPUs compute with numbers below {tiny:g} tens of times slower, and GPUs may flush them to zero",
        "set them to zero before the export, or call at::globalContext().setFlushDenormal(true) in every "
        "thread of the server",
    ),
)

_RUN = (
    Rule(
        "TS151",
        "warning",
        "input families were left out",
        "the cases inside an artifact are bounded in size, and these would exceed the bound",
        "raise --max-case-bytes, use smaller examples, or choose families with --families",
    ),
    Rule(
        "TS152",
        "note",
        "the Python model itself fails on a family",
        "there is nothing to compare with: the artifact was not checked on such inputs",
        "nothing, if the model is not meant for them; else mend the model",
    ),
    Rule(
        "TS153",
        "error",
        "a stage moved the outputs",
        "up to the stage before, every output was within its tolerance of the Python model's",
        "leave the stage out, or state the tolerance that this model can bear with --rtol and --atol",
    ),
    Rule(
        "TS154",
        "error",
        "a stage cannot be done",
        "the artifact would not be what was asked for",
        "leave the stage out; what LibTorch can do to a module in memory, it cannot always save or load",
    ),
    Rule(
        "TS155",
        "error",
        "the artifact does not compute what the model computes",
        "the C++ runner's outputs are not those of the Python model on the same inputs",
        "see the failed cases below; --force writes the artifact all the same, with this verdict inside",
    ),
)

_VERSIONS = (
    Rule(
        "TS161",
        "note",
        "torch.jit is deprecated",
        "it is frozen upstream, and a later torch may drop it; artifacts go on to work with the LibTorch "
        "that they were verified on",
        "pin the torch that exports, and keep the verified LibTorch with the server",
    ),
    Rule(
        "TS162",
        "warning",
        "torch.jit is not supported on this Python",
        "from Python 3.14 on, torch.jit.script may fail on code that it took before; loading in C++ is not "
        "concerned",
        "export with Python 3.13 or older",
    ),
)

EXPORT_RULES = (*_TRACING, *_MODE, *_PLACEMENT, *_EFFECTS, *_CONTAINERS, *_WEIGHTS, *_RUN, *_VERSIONS)
