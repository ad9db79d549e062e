"""Cases: named inputs with the outputs that they must give, in one safetensors file.

Nothing in this package imports torch.
"""

from tsharness.cases.case_file import Call, Case, CaseFile, read_case_file, write_case_file
from tsharness.cases.values import (
    DTYPES,
    Device,
    DType,
    NamedTuple,
    QuantizedTensor,
    SparseTensor,
    Tensor,
)

__all__ = [
    "DTYPES",
    "Call",
    "Case",
    "CaseFile",
    "DType",
    "Device",
    "NamedTuple",
    "QuantizedTensor",
    "SparseTensor",
    "Tensor",
    "read_case_file",
    "write_case_file",
]
