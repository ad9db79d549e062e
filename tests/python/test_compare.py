"""The comparison of the core, against torch.testing.assert_close and against numbers made by hand."""

from __future__ import annotations

import json
import math
from collections import namedtuple
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsharness.errors import InputError
from tsharness.session import load_core

core = load_core()


def compare(actual: Any, expected: Any, device: str = "cpu", **tolerance: Any) -> list[dict[str, Any]]:
    return json.loads(core.compare_json(actual, expected, json.dumps(tolerance), device))


def one(actual: Any, expected: Any, **tolerance: Any) -> dict[str, Any]:
    (result,) = compare(actual, expected, **tolerance)
    return result


FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128)
EXACT = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


@pytest.mark.parametrize("dtype", FLOATS)
def test_default_tolerance_is_that_of_assert_close(dtype: torch.dtype) -> None:
    result = one(torch.ones(1, dtype=dtype), torch.ones(1, dtype=dtype))
    assert (result["rtol"], result["atol"]) == torch.testing._comparison._DTYPE_PRECISIONS[dtype]


@pytest.mark.parametrize("dtype", EXACT)
def test_integers_and_bools_are_exact_whatever_was_stated(dtype: torch.dtype) -> None:
    a = torch.zeros(3, dtype=dtype)
    b = a.clone()
    b[1] = 1
    result = one(a, b, rtol=1.0, atol=10.0)
    assert not result["passed"] and result["exact"]
    assert result["difference"]["mismatched"] == 1
    assert result["difference"]["worst"]["index"] == [1]


def test_large_integers_differ_although_their_doubles_do_not() -> None:
    a = torch.tensor([2**62 + 1])
    assert not one(a, a - 1)["passed"]
    assert one(a, a.clone())["passed"]


def agrees_with_assert_close(actual: torch.Tensor, expected: torch.Tensor, rtol: float, atol: float) -> bool:
    try:
        torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=True)
    except AssertionError:
        return False
    return True


@settings(deadline=None, max_examples=300)
@given(
    dtype=st.sampled_from(FLOATS),
    size=st.integers(0, 3000),
    seed=st.integers(0, 2**32),
    noise=st.sampled_from([0.0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-2]),
    special=st.lists(st.tuples(st.integers(0, 2999), st.sampled_from([math.inf, -math.inf, math.nan]))),
    both=st.booleans(),
)
def test_verdict_is_that_of_assert_close(
    dtype: torch.dtype, size: int, seed: int, noise: float, special: list[tuple[int, float]], both: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    real = torch.randn(size, generator=generator, dtype=torch.float64)
    expected = real.to(dtype)
    actual = (real + noise * torch.randn(size, generator=generator, dtype=torch.float64)).to(dtype)
    for index, value in special:
        if index < size:
            actual[index] = value
            if both:
                expected[index] = value
    rtol, atol = 1.7e-5, 1.3e-5
    result = one(actual, expected, rtol=rtol, atol=atol)
    # assert_close computes in the tensors' own dtype: in double, both must decide alike.
    wide = torch.complex128 if dtype.is_complex else torch.float64
    assert result["passed"] == agrees_with_assert_close(actual.to(wide), expected.to(wide), rtol, atol)


def test_figures_by_hand() -> None:
    expected = torch.tensor([1.0, -2.0, 0.0, 4.0])
    actual = torch.tensor([1.5, -2.0, 0.25, 3.0])
    result = one(actual, expected, rtol=0.0, atol=0.3)
    figures = result["difference"]
    assert figures["numel"] == 4 and figures["mismatched"] == 2
    assert figures["max_abs"] == 1.0 and figures["mean_abs"] == (0.5 + 0.25 + 1.0) / 4
    assert figures["max_rel"] == "inf"
    assert figures["mean_rel"] == (0.5 + 0.0 + 0.25) / 3
    assert figures["worst"] == {
        "index": [3],
        "actual": 3.0,
        "expected": 4.0,
        "error": 1.0,
        "allowed": pytest.approx(0.3),
    }
    assert figures["min_atol"] == 1.0
    assert figures["min_rtol"] == pytest.approx(max((0.5 - 0.3) / 1.0, (1.0 - 0.3) / 4.0))
    dot, norms = 1.5 + 4 + 12, math.sqrt(1.5**2 + 4 + 0.0625 + 9) * math.sqrt(1 + 4 + 16)
    assert figures["cosine"] == pytest.approx(dot / norms)


@settings(deadline=None, max_examples=100)
@given(size=st.integers(1, 5000), seed=st.integers(0, 2**32), rtol=st.sampled_from([0.0, 1e-6, 1e-3]))
def test_smallest_tolerance_is_the_smallest(size: int, seed: int, rtol: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    expected = torch.randn(size, generator=generator)
    actual = expected + 1e-3 * torch.randn(size, generator=generator)
    figures = one(actual, expected, rtol=rtol, atol=0.0)["difference"]
    atol, by_rtol = figures["min_atol"], figures["min_rtol"]
    assert one(actual, expected, rtol=rtol, atol=atol * (1 + 1e-12))["passed"]
    assert not one(actual, expected, rtol=rtol, atol=atol * (1 - 1e-6))["passed"] or atol == 0
    assert one(actual, expected, rtol=by_rtol * (1 + 1e-12), atol=0.0)["passed"]
    assert not one(actual, expected, rtol=by_rtol * (1 - 1e-6), atol=0.0)["passed"] or by_rtol == 0


@pytest.mark.parametrize("size", [1, 7, 8, 9, 1023, 1024, 1025, 70000])
def test_worst_is_found_wherever_it_is(size: int) -> None:
    for index in {0, size // 2, size - 1}:
        expected = torch.randn(size, generator=torch.Generator().manual_seed(size))
        actual = expected.clone()
        actual[index] += 1
        figures = one(actual, expected)["difference"]
        assert figures["worst"]["index"] == [index]
        assert figures["mismatched"] == 1


def test_worst_index_has_the_tensor_s_dims() -> None:
    expected = torch.zeros(3, 4, 5)
    actual = expected.clone()
    actual[2, 1, 3] = 1
    assert one(actual, expected)["difference"]["worst"]["index"] == [2, 1, 3]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_ulp_distance(dtype: torch.dtype) -> None:
    expected = torch.tensor([1.0, -1.0, 0.0], dtype=dtype)
    actual = expected.clone()
    actual[0] = torch.nextafter(actual[0], torch.tensor(2.0, dtype=dtype))
    assert one(actual, expected, atol=1.0)["difference"]["max_ulp"] == 1
    tiny = torch.nextafter(torch.tensor(0.0, dtype=dtype), torch.tensor(1.0, dtype=dtype))
    assert one(tiny, -tiny, atol=1.0)["difference"]["max_ulp"] == 2


def test_quantiles_are_upper_bounds_within_a_sixteenth() -> None:
    expected = torch.zeros(10000, dtype=torch.float64)
    actual = torch.arange(1, 10001, dtype=torch.float64) / 10000
    figures = one(actual, expected)["difference"]
    for q, bound in zip((0.5, 0.9, 0.99, 0.999), figures["quantiles"], strict=True):
        assert q <= bound <= q * (1 + 1 / 16) + 1e-9


def test_nan_and_infinity() -> None:
    nan, inf = math.nan, math.inf
    assert one(torch.tensor([nan, inf, -inf]), torch.tensor([nan, inf, -inf]))["passed"]
    for actual, expected in ((nan, 1.0), (1.0, nan), (inf, -inf), (inf, nan), (1.0, inf)):
        result = one(torch.tensor([0.0, actual]), torch.tensor([0.0, expected]), atol=1e300)
        assert not result["passed"]
        assert result["difference"]["nonfinite_mismatched"] == 1
        assert result["difference"]["min_atol"] == "inf"
        assert result["difference"]["worst"]["index"] == [1]


def test_exact_sees_every_bit() -> None:
    assert one(torch.tensor([0.0]), torch.tensor([-0.0]))["passed"]
    assert not one(torch.tensor([0.0]), torch.tensor([-0.0]), exact=True)["passed"]
    x = torch.randn(5000)
    assert one(x, x.clone(), exact=True)["passed"]
    y = x.clone()
    y[4999] = torch.nextafter(y[4999], torch.tensor(99.0))
    assert one(y, x, exact=True)["difference"]["mismatched"] == 1


def noisy_pair(size: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    expected = torch.randn(size, generator=generator)
    return (expected + 1e-4 * torch.randn(size, generator=generator)).to(dtype), expected.to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int32])
def test_same_bits_whatever_the_number_of_threads(dtype: torch.dtype) -> None:
    actual, expected = noisy_pair(1_000_003, dtype)
    results = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            core.set_num_threads(threads)
            results.append(core.compare_json(actual, expected, "{}", "cpu"))
    finally:
        core.set_num_threads(before)
    assert len(set(results)) == 1


def test_strides_do_not_matter() -> None:
    actual, expected = noisy_pair(30 * 70, torch.float32)
    a, e = actual.view(30, 70), expected.view(30, 70)
    plain = one(a.t().contiguous(), e.t().contiguous())
    assert one(a.t(), e.t()) == plain
    assert one(a.t(), e.t().contiguous()) == plain


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"])
def test_float8_is_compared_by_value(name: str) -> None:
    values = torch.tensor([0.0, 0.5, 1.0, -2.0]).to(getattr(torch, name))
    other = torch.tensor([0.0, 0.5, 1.5, -2.0]).to(getattr(torch, name))
    assert one(values, values.clone())["passed"]
    assert one(other, values)["difference"]["max_abs"] == 0.5
    assert one(other, values, atol=0.5)["passed"]


def test_complex_error_is_a_modulus() -> None:
    result = one(torch.tensor([3 + 4j]), torch.tensor([0j]))
    assert result["difference"]["max_abs"] == 5.0


@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor:UserWarning")
@pytest.mark.filterwarnings("ignore:.*quantized:UserWarning")
def test_quantized_and_sparse() -> None:
    q = torch.quantize_per_tensor(torch.tensor([0.0, 1.0]), 0.1, 0, torch.qint8)
    r = torch.quantize_per_tensor(torch.tensor([0.0, 2.0]), 0.1, 0, torch.qint8)
    assert one(q, q.clone())["passed"] and not one(r, q)["passed"]
    s = torch.eye(3).to_sparse()
    assert all(result["passed"] for result in compare(s, s.clone()))
    assert not all(result["passed"] for result in compare(s * 2, s))


Point = namedtuple("Point", ["x", "y"])


@pytest.mark.parametrize(
    ("actual", "expected", "name", "reason"),
    [
        (torch.ones(2), torch.ones(3), "output", "shape: expected [3], got [2]"),
        (torch.ones(2), torch.ones(2).double(), "output", "dtype: expected float64, got float32"),
        ([1], (1,), "output", "type: expected tuple, got list"),
        ((1, 2), (1,), "output", "length: expected 1, got 2"),
        ({"a": 1}, {"b": 1}, "b", "key 'b' is missing"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b[1]", "value: expected 3, got 2"),
        (None, 1, "output", "type: expected int, got None"),
        (True, 1, "output", "type: expected int, got bool"),
        ("a", "b", "output", "value: expected b, got a"),
        (Point(1, 2), Point(1, 3), "y", "value: expected 3, got 2"),
        ((1, 2), Point(1, 2), "output", "field names: expected x,y, got "),
    ],
)
def test_structure(actual: Any, expected: Any, name: str, reason: str) -> None:
    failed = [result for result in compare(actual, expected) if not result["passed"]]
    assert [(result["name"], result["reason"]) for result in failed] == [(name, reason)]


def test_floats_have_a_tolerance() -> None:
    assert one(1.0 + 1e-9, 1.0)["passed"]
    assert not one(1.001, 1.0)["passed"]
    assert one(1.001, 1.0, atol=0.01)["passed"]


def test_empty_containers_and_tensors_pass() -> None:
    for value in ([], (), {}, torch.ones(0, 3)):
        assert one(value, value)["passed"]


def test_an_output_has_its_own_tolerance() -> None:
    expected = {"a": torch.ones(1), "b": torch.ones(1)}
    actual = {"a": torch.ones(1) + 0.1, "b": torch.ones(1) + 0.1}
    results = compare(actual, expected, atol=1e-3, outputs={"a": {"atol": 1.0}})
    assert {result["name"]: result["passed"] for result in results} == {"a": True, "b": False}


def test_another_device_has_a_wider_default() -> None:
    wide = compare(torch.ones(1), torch.ones(1), "cuda")[0]
    assert (wide["rtol"], wide["atol"]) == (1e-3, 1e-4)


def test_what_cannot_be_compared_is_an_error() -> None:
    with pytest.raises(InputError, match="object"):
        compare(object(), 1)
