"""TS30x to TS33x: what a file is, whether it is whole, and who can read it; TS37x: other kinds."""

from __future__ import annotations

from tsharness.findings.rule import Rule

_COPY = "copy the file again from where it was exported (its sha256 tells), or export it again"
_REEXPORT = "export the model again"

INSPECT_RULES = (
    Rule(
        "TS301",
        "error",
        "not a TorchScript archive",
        "torch::jit::load reads none but these, and says of most others that a file in them is missing",
        "{do}",
    ),
    Rule(
        "TS302",
        "error",
        "a part of the archive cannot be read",
        "code or objects that cannot be parsed cannot be judged, and are not what torch writes",
        _COPY,
    ),
    Rule(
        "TS303",
        "error",
        "something that every TorchScript archive has is missing",
        "torch::jit::load needs the code, the objects and the constants",
        _COPY,
    ),
    Rule(
        "TS304",
        "warning",
        "it holds bytecode alone",
        "its operators are judged; what else hurts in production is looked for in code, which is not there",
        "inspect the .pt that it was made from",
    ),
    Rule(
        "TS311",
        "error",
        "a record is not what its checksum says",
        "a byte was changed after the archive was written; torch's loader does not look and says nothing",
        _COPY,
    ),
    Rule(
        "TS312",
        "error",
        "the archive describes a record in two ways",
        "its directory and the record itself disagree, so that two readers see two different files",
        _COPY,
    ),
    Rule(
        "TS313",
        "error",
        "records overlap",
        "torch writes each record for itself; shared bytes are an attempt to show readers different contents",
        "do not use this file",
    ),
    Rule(
        "TS314",
        "error",
        "two records have the same name, or the archive two roots",
        "which of them is read depends on the reader: what was verified may not be what runs",
        "do not use this file",
    ),
    Rule(
        "TS315",
        "error",
        "a record's name leads out of its folder",
        "a program that unpacks the archive would write where the name points",
        "do not unpack it; do not use this file",
    ),
    Rule(
        "TS316",
        "error",
        "a record is encrypted",
        "torch never writes such records and cannot read them",
        _COPY,
    ),
    Rule(
        "TS317",
        "error",
        "a record unpacks to far more than it takes",
        "torch stores its records as they are; this one exhausts memory or disk when it is read",
        "do not use this file",
    ),
    Rule(
        "TS318",
        "error",
        "weights are missing",
        "the objects name a record of weights that the archive does not have: it will not load",
        _COPY,
    ),
    Rule(
        "TS319",
        "error",
        "a record of weights has another length than the objects say",
        "torch loads it without a word: the tensor then reads what lies behind, or zeros",
        _COPY,
    ),
    Rule(
        "TS320",
        "warning",
        "the archive holds records that nothing names",
        "they are shipped for nothing, or were put there by somebody else",
        "see what they are; " + _REEXPORT,
    ),
    Rule(
        "TS321",
        "note",
        "a record of weights is not aligned",
        "torch aligns them to 64 bytes so that they can be mapped; another program has written this archive",
        "nothing, if loading time does not matter; else save it with torch.jit.save",
    ),
    Rule(
        "TS322",
        "error",
        "bytes stand outside of the archive",
        "a zip may follow anything: the file may be two things at once, and LibTorch may read the other one",
        "see what they are; copy the model without them",
    ),
    Rule(
        "TS323",
        "error",
        "not the file that was expected",
        "its sha256 is another one than --expect-sha256 says",
        "fetch the file again, and from the right place",
    ),
    Rule(
        "TS324",
        "error",
        "the content is not what the cases were recorded with",
        "the hash that travels with the cases is of another content: somebody changed code or weights since",
        _REEXPORT,
    ),
    Rule(
        "TS325",
        "error",
        "a tensor lies outside of its storage",
        "reading it reads memory that belongs to something else",
        "do not use this file",
    ),
    Rule(
        "TS331",
        "error",
        "a file format newer than the runner reads",
        "it was written by a newer PyTorch than runs it",
        "export with the PyTorch of the target, or update the target's LibTorch",
    ),
    Rule(
        "TS332",
        "error",
        "operators that the runner does not have",
        "they come from a library that registered them where the artifact was made, or from another PyTorch",
        "{do}",
    ),
    Rule(
        "TS333",
        "error",
        "a custom class that LibTorch does not have",
        "its objects are restored by the library that they come from",
        "{do}",
    ),
    Rule(
        "TS334",
        "note",
        "quantised operators need an engine",
        "which kernels there are (x86, fbgemm, qnnpack) depends on the processor and on LibTorch's build; "
        "the weights are packed for one of them while the file loads",
        "at::globalContext().setQEngine(...) before loading; on ARM quantise with the qnnpack configuration",
    ),
    Rule(
        "TS335",
        "error",
        "operators of optimize_for_mobile",
        "prepacked operators need XNNPACK, which LibTorch 2.13 and newer are built without",
        "export without optimize_for_mobile, or go to ExecuTorch",
    ),
    Rule(
        "TS336",
        "note",
        "bytecode of the lite interpreter",
        "mobile runtimes read versions up to the one that they were built with, and no longer get newer",
        "torch.jit.mobile._backport_for_mobile for an older one",
    ),
    Rule(
        "TS337",
        "warning",
        "called .ptl, and not for the lite interpreter",
        "mobile runtimes look for bytecode and fail with a message about bytecode.pkl",
        "save it with _save_for_lite_interpreter, or call it .pt",
    ),
    Rule(
        "TS338",
        "error",
        "bytecode that no known phone's runtime reads",
        "the lite interpreter takes bytecode of some versions and refuses the others when it loads them",
        "write it anew for that runtime: tsharness migrate model.pt --to lite --bytecode N",
    ),
    Rule(
        "TS368",
        "error",
        "LibTorch reads other code than was judged",
        "before it loads an archive, the runner reads its code with LibTorch's own reader and parser; what "
        "they see is not what the inspection saw, so nobody knows what would run",
        "do not use this file; if you made it yourself with torch.jit.save, report it with the file",
    ),
    Rule(
        "TS369",
        "error",
        "LibTorch compiled operators that were not judged",
        "after it has loaded a file, and before it calls anything, the runner looks at all that LibTorch "
        "compiled of it; an operator was there that the inspection has not seen and that is not known to be "
        "harmless",
        "do not use this file; if you made it yourself with torch.jit.save, report it with the file",
    ),
    Rule(
        "TS371",
        "warning",
        "machine code",
        "a shared object does whatever its process may do, on processors that have its instructions; verify "
        "and bench run it in the cage, where that is to compute and no more",
        "take it only from where you compile it yourself, and run it in the cage (docs/security.md)",
    ),
    Rule(
        "TS373",
        "error",
        "its weights lie outside of its folder",
        "whoever runs the model opens the file that it names, whatever it is: another's data, a device",
        "do not use this file; save the weights beside it again",
    ),
    Rule(
        "TS374",
        "error",
        "operators that are no ONNX",
        "a domain that nobody knows comes with a library of native code; some operators load compiled blobs",
        "export the model again without them",
    ),
)
