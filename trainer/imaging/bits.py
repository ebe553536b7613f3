"""Bits of floats and 32-bit integers for kernels. Numba alone widens integer arithmetic to 64 bits, where vectors hold
half as many pixels and multiply slowly."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def _instruction(name: str, result: Any, *operands: Any, to: Any = None) -> Any:
    """A function for kernels that is one instruction of LLVM; `to`: the type that a cast needs."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return getattr(builder, name)(*args, *([] if to is None else [to]))

    if len(operands) == 1:

        def unary(typing: Any, a: Any) -> Any:
            return result(*operands), generate

        return intrinsic(unary)

    def binary(typing: Any, a: Any, b: Any) -> Any:
        return result(*operands), generate

    return intrinsic(binary)


bits_of: Any = _instruction("bitcast", types.int32, types.float32, to=ir.IntType(32))
"""The bits of a float32 as int32."""
float_of: Any = _instruction("bitcast", types.float32, types.int32, to=ir.FloatType())
"""The float32 that has these bits, from int32."""
add: Any = _instruction("add", types.int32, types.int32, types.int32)
shift_left: Any = _instruction("shl", types.int32, types.int32, types.int32)
shift_right: Any = _instruction("ashr", types.int32, types.int32, types.int32)
"""Keeps the sign."""
plus: Any = _instruction("add", types.uint32, types.uint32, types.uint32)
times: Any = _instruction("mul", types.uint32, types.uint32, types.uint32)
down: Any = _instruction("lshr", types.uint32, types.uint32, types.uint32)
"""Shifted right, without a sign."""
