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
def _add_shifted(_: Any, image: Any, at: Any, value: Any, begin: Any, here: Any, before: Any) -> Any:
    signature = types.void(image, types.intp, value, types.intp, types.float32, types.float32)

    def build(context: Any, builder: Any, known: Any, args: Any) -> Any:
        target = _lanes(context, builder, known.args[0], args[0], args[1], _VECTOR)
        source = _lanes(context, builder, known.args[2], args[2], args[3], _SMALL)
        last = builder.sub(args[3], ir.Constant(args[3].type, 1))
        shifted = _lanes(context, builder, known.args[2], args[2], last, _SMALL)
        add = builder.fadd(
            builder.fmul(_real(builder, source), _all(builder, args[4])),
            builder.fmul(_real(builder, shifted), _all(builder, args[5])),
        )
        store = builder.store(builder.fadd(_load(builder, target, 4), add), target)
        store.align = 4
        return context.get_dummy_value()

    return signature, build


add_shifted: Callable[..., None] = _add_shifted
"""add_shifted(image, at, value, begin, here, before), in kernels only:

image[at + k] += here * value[begin + k] + before * value[begin + k - 1] for k below LANES. image: float32 (N,), value: uint16
(M,), both contiguous; here, before: float32. Bounds are the caller's business.
"""
