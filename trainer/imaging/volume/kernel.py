"""Joseph's line integral through a volume of two channels.

Joseph: a ray is sampled where it meets the planes of voxel centers across its main axis, with bilinear weights
in the plane, and the sum is scaled by the way from plane to plane. For each main axis the volume is kept once
with that axis fastest, so that the samples of a ray lie close together; a word holds a voxel and its neighbor
along the second axis, so that two reads give the four voxels around a sample. The planes of a brick are taken
together in a loop of fixed length, which compilers turn into vector instructions; samples are summed as whole
numbers, so that the order of the sum does not matter and every machine gives the same bits.

A brick is `DEEP` planes along the main axis and `WIDE` voxels along the other two. Where none of the bricks around
holds anything, nothing is read. This is asked once for a tile of neighboring rays.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Words = NDArray[np.uint32]
Flags = NDArray[np.uint8]
Ints = NDArray[np.int64]

DEEP, WIDE = 16, 8
UNIT = 1.0 / 16384.0
"""Density of the value 1; 16 bits reach to 4."""
FINE = 16.0
"""Steps of a sample's sum in one value."""
TILE_VOXELS = 6.0
"""Widest tile. A sample is at most 3 voxels from the tile's middle ray, that at most 4 from one of the three places
where a brick is asked for, and 1 more is read: within the 8 of the next brick."""


@njit(cache=True, nogil=True)
def _brick_sum(
    words: Words, a: np.float32, b: np.float32, ga: np.float32, gb: np.float32, base: np.int32, su: np.int32,
    sv: np.int32, top_u: np.float32, top_v: np.float32,
) -> np.int32:
    """Sum of the samples in the planes of a brick; the ray passes (a, b) in the first and goes on by (ga, gb).

    Outside the volume the outermost voxels go on, and those are empty.
    """
    total = np.int32(0)
    low = np.uint32(0xFFFF)
    zero = np.float32(0.0)
    for k in range(DEEP):
        at = np.float32(k)
        fu = min(max(a + at * ga, zero), top_u)
        fv = min(max(b + at * gb, zero), top_v)
        iu, iv = np.int32(fu), np.int32(fv)
        fu -= np.float32(iu)
        fv -= np.float32(iv)
        place = np.uint32(np.int32(iu * su + iv * sv) + np.int32(base + k))
        w0, w1 = words[place], words[np.uint32(place + np.uint32(sv))]
        l0, r0 = np.float32(np.int32(w0 & low)), np.float32(np.int32(w0 >> np.uint32(16)))
        l1, r1 = np.float32(np.int32(w1 & low)), np.float32(np.int32(w1 >> np.uint32(16)))
        t0, t1 = l0 + fu * (r0 - l0), l1 + fu * (r1 - l1)
        # numba widens sums to 64 bits: cut back, so that twice as many fit into a vector
        total = np.int32(total + np.int32((t0 + fv * (t1 - t0)) * np.float32(FINE)))
    return total


@njit(cache=True, nogil=True)
def _bricks_of_ray(
    soft_filled: Flags, bone_filled: Flags, source: Floats, gu: float, gv: float, bricks: int, wide_u: int,
    wide_v: int, soft_bricks: Ints, bone_bricks: Ints,
) -> tuple[int, int]:
    """Lists the first planes of the bricks that a ray of slopes gu, gv may find soft tissue or bone in; how many."""
    softs, bones = 0, 0
    for n in range(bricks):
        s, o = 0, 0
        for part in range(3):
            way = n * DEEP + 0.5 * (DEEP - 1) * part - source[2]
            u, v = (source[0] + way * gu) / WIDE, (source[1] + way * gv) / WIDE
            if u < -1.0 or v < -1.0 or u >= wide_u + 1 or v >= wide_v + 1:
                continue
            iu, iv = min(max(int(u), 0), wide_u - 1), min(max(int(v), 0), wide_v - 1)
            at = (n * wide_v + iv) * wide_u + iu
            s |= soft_filled[at]
            o |= bone_filled[at]
        soft_bricks[softs], bone_bricks[bones] = n * DEEP, n * DEEP
        softs += s
        bones += o
    return softs, bones


@njit(cache=True, nogil=True)
def project_rows(
    first: int, last: int, axis: int, soft_words: Words, bone_words: Words, soft_filled: Flags, bone_filled: Flags,
    shape: Ints, source: Floats, corner: Floats, du: Floats, dv: Floats, spacing: Floats, tile: int,
    soft: Image, bone: Image,
) -> None:
    """Path images soft, bone (H, W), mm, at the pixels of rows first..last whose rays have this main axis.

    The order of axes is (second, third, main) in `shape`, `source`, `corner`, `du`, `dv` and `spacing`, all (3,);
    lengths in voxels except spacing, mm. shape: numbers of voxels, the main one a multiple of DEEP, the others of
    WIDE. words: flat, (third, second, main) with main fastest; filled: flat bricks (main, third, second).
    corner + column * du + row * dv is a pixel's center as seen from the source.
    """
    width = soft.shape[1]
    nu, nv, nk = shape
    bricks, wide_u, wide_v = nk // DEEP, nu // WIDE, nv // WIDE
    su, sv = np.int32(nk), np.int32(nk * nu)
    # the word behind the last voxel of a line is another line's: the place is kept short of it
    top_u, top_v = np.float32(nu - 1.001), np.float32(nv - 1.001)
    ux, uy, uz = du
    soft_bricks, bone_bricks = np.zeros(bricks, dtype=np.int64), np.zeros(bricks, dtype=np.int64)
    for row in range(first, last):
        x0, y0, z0 = corner[0] + row * dv[0], corner[1] + row * dv[1], corner[2] + row * dv[2]
        for begin in range(0, width, tile):
            end = min(begin + tile, width)
            middle = 0.5 * (begin + end - 1)
            z = z0 + middle * uz
            gu, gv = (x0 + middle * ux) / z, (y0 + middle * uy) / z
            softs, bones = _bricks_of_ray(
                soft_filled, bone_filled, source, gu, gv, bricks, wide_u, wide_v, soft_bricks, bone_bricks
            )
            if softs == 0 and bones == 0:
                continue
            for c in range(begin, end):
                x, y, z = x0 + c * ux, y0 + c * uy, z0 + c * uz
                ax, ay, az = abs(x), abs(y), abs(z)
                # equal shares go to the axis that comes first in the patient's order
                if az < ax or az < ay or (axis > 0 and az == ax) or (axis == 2 and az == ay):
                    continue
                gu, gv = x / z, y / z
                u0, v0 = source[0] - source[2] * gu, source[1] - source[2] * gv
                gu32, gv32 = np.float32(gu), np.float32(gv)
                sum_s, sum_b = 0, 0
                for n in range(softs):
                    k = soft_bricks[n]
                    a, b = np.float32(u0 + k * gu), np.float32(v0 + k * gv)
                    sum_s += int(_brick_sum(soft_words, a, b, gu32, gv32, np.int32(k), su, sv, top_u, top_v))
                for n in range(bones):
                    k = bone_bricks[n]
                    a, b = np.float32(u0 + k * gu), np.float32(v0 + k * gv)
                    sum_b += int(_brick_sum(bone_words, a, b, gu32, gv32, np.int32(k), su, sv, top_u, top_v))
                way = np.sqrt((x * spacing[0]) ** 2 + (y * spacing[1]) ** 2 + (z * spacing[2]) ** 2)
                step = way / az * (UNIT / FINE)
                soft[row, c] = sum_s * step
                bone[row, c] = sum_b * step
