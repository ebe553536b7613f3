"""Eight neighboring pixels at once. Lines of vessel pixels are short, and a compiler spreads only long loops over a
vector register; so this one operation is written as a vector. A processor without such registers takes it in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 8
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_SMALL, _WHOLE = ir.VectorType(ir.IntType(16), LANES), ir.VectorType(ir.IntType(32), LANES)


def _lanes(context: Any, builder: Any, kind: Any, array: Any, index: Any, vector: Any) -> Any:
    """Address of LANES elements of an array from an index on."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _load(builder: Any, address: Any, align: int) -> Any:
    out = builder.load(address)
    out.align = align
    return out


def _real(builder: Any, address: Any) -> Any:
    """LANES numbers of 16 bits as float32."""
    return builder.sitofp(builder.zext(_load(builder, address, 2), _WHOLE), _VECTOR)


def _all(builder: Any, scalar: Any) -> Any:
    """A vector of one number."""
    none, zero = ir.Constant(_VECTOR, ir.Undefined), ir.Constant(ir.IntType(32), 0)
    first = builder.insert_element(none, scalar, zero)
    return builder.shuffle_vector(first, none, ir.Constant(_WHOLE, [0] * LANES))


@intrinsic
def _add_blended(
    _: Any, image: Any, at: Any, width: Any, value: Any, begin: Any, a: Any, b: Any, c: Any, d: Any
) -> Any:
    number = types.float32
    signature = types.void(image, types.intp, types.intp, value, types.intp, number, number, number, number)

    def build(context: Any, builder: Any, known: Any, args: Any) -> Any:
        before = builder.sub(args[4], ir.Constant(args[4].type, 1))
        here, left = (
            _real(builder, _lanes(context, builder, known.args[3], args[3], k, _SMALL)) for k in (args[4], before)
        )
        rows = [
            _lanes(context, builder, known.args[0], args[0], k, _VECTOR)
            for k in (args[1], builder.add(args[1], args[2]))
        ]
        # both rows are read before one is written: the compiler cannot know that they lie apart
        sums = [
            builder.fadd(
                _load(builder, row, 4),
                builder.fadd(builder.fmul(here, _all(builder, k)), builder.fmul(left, _all(builder, m))),
            )
            for row, k, m in zip(rows, args[5::2], args[6::2])
        ]
        for row, total in zip(rows, sums):
            builder.store(total, row).align = 4
        return context.get_dummy_value()

    return signature, build


add_blended: Callable[..., None] = _add_blended
"""add_blended(image, at, width, value, begin, a, b, c, d), in kernels only. For k below LANES:

image[at + k] += a * value[begin + k] + b * value[begin + k - 1], the same with c, d a row of `width` pixels below.
image: float32 (N,), value: uint16 (M,), both contiguous; a, b, c, d: float32. Bounds are the caller's business.
"""
