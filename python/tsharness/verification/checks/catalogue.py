"""Every check, in the order in which a report names them (docs/checks.md is made of this table)."""

from __future__ import annotations

from collections.abc import Sequence

from tsharness.errors import UsageError
from tsharness.verification.checks import basic, batch, effects, environment, shapes, sharing
from tsharness.verification.checks.rule import CheckRule, Level

CHECKS: tuple[CheckRule, ...] = (
    CheckRule(
        "integrity",
        "every byte of the file is what was exported: CRC of each record, and the hash that the cases carry",
        "reads the file twice, beside the runner",
        Level.QUICK,
        (16,),
        basic.integrity,
        do="copy the file again from where it was exported, or export it again",
    ),
    CheckRule(
        "load",
        "LibTorch loads the file in a process that has never seen Python's operator libraries",
        "one load",
        Level.QUICK,
        (3, 4, 5, 14, 17, 18, 35, 52),
        basic.load,
    ),
    CheckRule(
        "no-python",
        "no library of a Python interpreter is mapped into the process that ran the model",
        "none",
        Level.QUICK,
        (26,),
        basic.no_python,
        do="the runner must not link Python: reinstall tsharness",
    ),
    CheckRule(
        "structure",
        "outputs have the reference's types, dtypes, shapes, lengths and keys",
        "none beside parity",
        Level.QUICK,
        (38, 39, 40),
        basic.structure,
    ),
    CheckRule(
        "parity",
        "the first call of every case gives the reference's values, within the tolerance",
        "one pass",
        Level.QUICK,
        (7, 8, 9, 10, 20, 33, 36, 55),
        basic.parity,
    ),
    CheckRule(
        "decisions",
        "the K largest values of each row are at the reference's places (with --topk K)",
        "none beside parity",
        Level.QUICK,
        (31,),
        basic.decisions,
        do="compare accuracy on a labelled set before rollout: decisions change, not digits alone",
    ),
    CheckRule(
        "calls",
        "so do calls 2 to K, and one after the other cases' shapes: the executor rewrites the graph",
        "K passes (--calls, 5 unless told), and one",
        Level.QUICK,
        (1, 2, 19, 20),
        basic.calls,
    ),
    CheckRule(
        "repeatability",
        "identical calls give identical outputs: nothing random, nothing uninitialised",
        "none beside calls",
        Level.QUICK,
        (11, 12, 42),
        effects.repeatability,
        do="export in eval mode; pass noise in as an input, or seed every call in the server",
    ),
    CheckRule(
        "inputs-unchanged",
        "a call leaves every byte of its inputs as it was",
        "a hash of the inputs, twice a call",
        Level.QUICK,
        (41,),
        effects.inputs_unchanged,
        do="clone the input before the in-place operation, or let callers pass a copy",
    ),
    CheckRule(
        "state",
        "a call leaves parameters, buffers and attributes as they were, or its cases are sequences",
        "none beside calls",
        Level.QUICK,
        (12, 25),
        effects.state,
        do="clone the module for each stream or thread; record the calls as one sequence if it is meant so",
    ),
    CheckRule(
        "aliasing",
        "no output looks into the module's own memory; outputs that look into an input's are named",
        "none beside calls",
        Level.QUICK,
        (11, 41),
        effects.aliasing,
        do="return a clone of the buffer or parameter",
    ),
    CheckRule(
        "finite",
        "finite inputs give finite outputs, or an independent reference has the same NaN and infinity",
        "one look at the outputs",
        Level.QUICK,
        (9, 33),
        effects.finite,
        requests=effects.finite_requests,
        needs_passing=False,
        do="guard the operation (clamp, eps), or export the branch that does",
    ),
    CheckRule(
        "cold-start",
        "no call takes longer than --cold-start-limit; says from which call on the time is steady",
        "none beside calls",
        Level.QUICK,
        (1, 2),
        effects.cold_start,
        do="warm up each shape before taking traffic, or switch the optimised executor off in the server",
    ),
    CheckRule(
        "shapes",
        "it runs at sizes of every declared dynamic dim that no case has; says which others are free",
        "one call a size",
        Level.STANDARD,
        (2, 7, 39),
        shapes.shapes,
        do="export with the dim as --dynamic and cases of several sizes, or declare the range that holds",
        requests=shapes.shapes_requests,
        passes=0.2,
        seconds=0.3,
        other_sizes=True,
    ),
    CheckRule(
        "batch",
        "rows of a batch do not influence one another: permuted, identical, alone, padded",
        "six calls of the cheapest case whose rows differ; of three cases where values decide what runs",
        Level.STANDARD,
        (7, 8),
        batch.batch,
        do="ask the Python model at that size, by cases of several batches (tsharness export makes them): if "
        "it gives something else, a size is baked in (x.shape[0] without int(), or script); if it gives the "
        "same, its rows depend on one another, and the check says so",
        requests=batch.batch_requests,
        passes=0.7,
        seconds=0.1,
        other_sizes=True,
    ),
    CheckRule(
        "threads",
        "four threads at once, on the shared module and on clones, compute what one does",
        "eight calls of two cases at least, up to eight tenths of a pass; more of a fast model",
        Level.STANDARD,
        (25,),
        sharing.threads,
        do="clone the module for each thread; a module that keeps state must not be shared",
        requests=sharing.threads_requests,
        passes=1.0,
        seconds=0.2,
    ),
    CheckRule(
        "memory",
        "calls keep no memory: slope of the heap with its 99% interval, shapes changing, in fresh threads",
        "0.2 s, or 36 calls of the cheapest cases; 30 s at level full",
        Level.STANDARD,
        (21, 25),
        sharing.memory,
        do="do not append to attributes in forward; bound or clear what the module caches",
        requests=sharing.memory_requests,
        passes=1.5,
        seconds=0.3,
    ),
    CheckRule(
        "grad-mode",
        "InferenceMode, no_grad and grad mode give equal outputs; says what grad mode costs",
        "two passes over up to three fifths of the cases: all that may run other operators or kernels",
        Level.STANDARD,
        (13, 60),
        environment.grad_mode,
        do="run it in the mode in which it was verified: torch::NoGradGuard in the server",
        requests=environment.grad_mode_requests,
        passes=1.2,
        seconds=0.1,
    ),
    CheckRule(
        "thread-count",
        "one thread, and twice as many as there are, give the same outputs within the tolerance",
        "two passes over up to two fifths of the cases, chosen so, too",
        Level.STANDARD,
        (23, 26),
        environment.thread_count,
        do="fix the number of threads in the server: at::set_num_threads, OMP_NUM_THREADS",
        requests=environment.thread_count_requests,
        passes=0.8,
        seconds=0.1,
    ),
    CheckRule(
        "precision",
        "outputs do not depend on denormals (on a GPU: on TF32)",
        "a pass over two fifths of the cases",
        Level.STANDARD,
        (29, 30),
        environment.precision,
        do="set the same flag in every process, or state a tolerance that allows for it",
        requests=environment.precision_requests,
        passes=0.4,
        seconds=0.1,
    ),
    CheckRule(
        "cpu-capability",
        "processors with fewer vector instructions (AVX2, none), oneDNN's choice included, compute the same",
        "a process for each, and a pass over up to a fifth of the cases, chosen so, too",
        Level.STANDARD,
        (31,),
        environment.cpu_capability,
        do="verify on the processors of the fleet, or state a tolerance that allows for it",
        requests=environment.cpu_capability_requests,
        passes=1.0,
        seconds=1.0,
    ),
    CheckRule(
        "device",
        "the CPU, the first and the last GPU give equal outputs",
        "a process and two passes for each other device",
        Level.FULL,
        (6, 30, 46, 51),
        environment.device,
        do="export one artifact for each device, or state a tolerance (--rtol, --atol) for this one",
        requests=environment.device_requests,
        passes=4.0,
        seconds=5.0,
    ),
)


def chosen_checks(level: Level, select: Sequence[str], ignore: Sequence[str]) -> tuple[CheckRule, ...]:
    """The checks of a level, or those that are selected, without those to be ignored. Raises UsageError for
    a name that there is not."""
    known = [rule.id for rule in CHECKS]
    for name in (*select, *ignore):
        if name not in known:
            raise UsageError(f"there is no check '{name}'; there are: {', '.join(known)}")
    return tuple(
        rule
        for rule in CHECKS
        if (rule.id in select if select else rule.level <= level) and rule.id not in ignore
    )


def advice(identity: str) -> str:
    """What to do when a check fails; empty for one that has no advice of its own."""
    return next((rule.do for rule in CHECKS if rule.id == identity), "")
