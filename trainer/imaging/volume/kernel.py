"""Joseph's line integral through a volume of two channels.

Joseph: a ray is sampled where it meets the planes of voxel centers across its main axis, with bilinear weights
in the plane, and the sum is scaled by the way from plane to plane. For each main axis the volume is kept once
with that axis fastest, so that the samples of a ray lie close together; a word holds a voxel and its neighbor
along the second axis, so that two reads give the four voxels around a sample. `DEEP` planes are taken together in
a loop of fixed length, which compilers turn into vector instructions; samples are summed as whole numbers, so that
the order of the sum does not matter and every machine gives the same bits.

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

DEEP, WIDE = 16, 4
ASKED = 5
"""Places along a brick's planes at which a tile's middle ray asks for bricks."""
UNIT = 1.0 / 8192.0
"""Density of the value 1; 16 bits with a sign reach to 4."""
FINE = 16.0
"""Steps of a sample's sum in one value."""
TILE_VOXELS = 2.2
"""Widest tile. A sample is at most half of it from the tile's middle ray, that at most 1.88 from the place where a
brick is asked for, and the next voxel is read: within the 4 of the brick beside."""
SOFT, BONE = 1, 2


@njit(cache=True, nogil=True)
def _between(w0: np.uint32, w1: np.uint32, fu: np.float32, fv: np.float32) -> np.int32:
    """The value between four voxels, in fine units: two lie in each word, side by side along u; the words along v."""
    l0, r0 = np.float32(np.int16(w0)), np.float32(np.int16(w0 >> np.uint32(16)))
    l1, r1 = np.float32(np.int16(w1)), np.float32(np.int16(w1 >> np.uint32(16)))
    t0, t1 = l0 + fu * (r0 - l0), l1 + fu * (r1 - l1)
    return np.int32((t0 + fv * (t1 - t0)) * np.float32(FINE))


@njit(cache=True, nogil=True)
def _soft_sum(
    words: Words, a: np.float32, b: np.float32, ga: np.float32, gb: np.float32, base: np.int32, su: np.int32,
    sv: np.int32, top_u: np.float32, top_v: np.float32,
) -> np.int32:
    """Sum of the samples in the planes of a brick; the ray passes (a, b) in the first and goes on by (ga, gb).

    Outside the volume the outermost voxels go on, and those are empty.
    """
    total = np.int32(0)
    zero = np.float32(0.0)
    for k in range(DEEP):
        at = np.float32(k)
        fu = min(max(a + at * ga, zero), top_u)
        fv = min(max(b + at * gb, zero), top_v)
        iu, iv = np.int32(fu), np.int32(fv)
        fu -= np.float32(iu)
        fv -= np.float32(iv)
        place = np.uint32(np.int32(iu * su + iv * sv) + np.int32(base + k))
        # numba widens sums to 64 bits: cut back, so that twice as many fit into a vector
        total = np.int32(total + _between(words[place], words[np.uint32(place + np.uint32(sv))], fu, fv))
    return total


@njit(cache=True, nogil=True)
def _both_sums(
    words: Words, bones: Words, a: np.float32, b: np.float32, ga: np.float32, gb: np.float32, base: np.int32,
    su: np.int32, sv: np.int32, top_u: np.float32, top_v: np.float32,
) -> tuple[np.int32, np.int32]:
    """As `_soft_sum`, of soft tissue and bone."""
    total, hard = np.int32(0), np.int32(0)
    zero = np.float32(0.0)
    for k in range(DEEP):
        at = np.float32(k)
        fu = min(max(a + at * ga, zero), top_u)
        fv = min(max(b + at * gb, zero), top_v)
        iu, iv = np.int32(fu), np.int32(fv)
        fu -= np.float32(iu)
        fv -= np.float32(iv)
        place = np.uint32(np.int32(iu * su + iv * sv) + np.int32(base + k))
        beside = np.uint32(place + np.uint32(sv))
        total = np.int32(total + _between(words[place], words[beside], fu, fv))
        hard = np.int32(hard + _between(bones[place], bones[beside], fu, fv))
    return total, hard


@njit(cache=True, nogil=True)
def _bricks_of_ray(
    filled: Flags, source: Floats, gu: float, gv: float, bricks: int, wide_u: int, wide_v: int, start: Ints,
    what: Ints,
) -> int:
    """Lists the first planes of the bricks in which a ray of slopes gu, gv may find something, and what; how many."""
    count = 0
    pu, pv = 1.0 / WIDE * gu, 1.0 / WIDE * gv
    u0, v0 = source[0] / WIDE - source[2] * pu, source[1] / WIDE - source[2] * pv
    for n in range(bricks):
        found = 0
        for part in range(ASKED):
            way = n * DEEP + (DEEP - 1.0) / (ASKED - 1.0) * part
            u, v = u0 + way * pu, v0 + way * pv
            if u < -1.0 or v < -1.0 or u >= wide_u + 1 or v >= wide_v + 1:
                continue
            iu, iv = min(max(int(u), 0), wide_u - 1), min(max(int(v), 0), wide_v - 1)
            found |= filled[np.uint64((n * wide_v + iv) * wide_u + iu)]
        start[count], what[count] = n * DEEP, found
        count += found > 0
    return count


@njit(cache=True, nogil=True)
def project_rows(
    first: int, last: int, axis: int, soft_words: Words, bone_words: Words, filled: Flags, shape: Ints,
    source: Floats, corner: Floats, du: Floats, dv: Floats, spacing: Floats, tile: int, soft: Image, bone: Image,
) -> None:
    """Path images soft, bone (H, W), mm, at the pixels of rows first..last whose rays have this main axis.

    The order of axes is (second, third, main) in `shape`, `source`, `corner`, `du`, `dv` and `spacing`, all (3,);
    lengths in voxels except spacing, mm. shape: numbers of voxels, the main one a multiple of DEEP, the others of
    WIDE. words: flat, (third, second, main) with main fastest; filled: flat bricks (main, third, second), SOFT and
    BONE where they may be near. corner + column * du + row * dv is a pixel's center as seen from the source. tile:
    rays along its side.
    """
    width = soft.shape[1]
    nu, nv, nk = shape
    bricks, wide_u, wide_v = nk // DEEP, nu // WIDE, nv // WIDE
    su, sv = np.int32(nk), np.int32(nk * nu)
    # the word behind the last voxel of a line is another line's: the place is kept short of it
    top_u, top_v = np.float32(nu - 1.001), np.float32(nv - 1.001)
    start, what = np.zeros(bricks + 1, dtype=np.int64), np.zeros(bricks + 1, dtype=np.int64)
    for top in range(first, last, tile):
        bottom = min(top + tile, last)
        for left in range(0, width, tile):
            right = min(left + tile, width)
            mc, mr = 0.5 * (left + right - 1), 0.5 * (top + bottom - 1)
            z = corner[2] + mc * du[2] + mr * dv[2]
            gu, gv = (corner[0] + mc * du[0] + mr * dv[0]) / z, (corner[1] + mc * du[1] + mr * dv[1]) / z
            count = _bricks_of_ray(filled, source, gu, gv, bricks, wide_u, wide_v, start, what)
            if count == 0:
                continue
            for row in range(top, bottom):
                for c in range(left, right):
                    x = corner[0] + c * du[0] + row * dv[0]
                    y = corner[1] + c * du[1] + row * dv[1]
                    z = corner[2] + c * du[2] + row * dv[2]
                    ax, ay, az = abs(x), abs(y), abs(z)
                    # equal shares go to the axis that comes first in the patient's order
                    if az < ax or az < ay or (axis > 0 and az == ax) or (axis == 2 and az == ay):
                        continue
                    gu, gv = x / z, y / z
                    u0, v0 = source[0] - source[2] * gu, source[1] - source[2] * gv
                    fgu, fgv = np.float32(gu), np.float32(gv)
                    sum_s, sum_b = 0, 0
                    for n in range(count):
                        k = start[n]
                        a, b, base = np.float32(u0 + k * gu), np.float32(v0 + k * gv), np.int32(k)
                        if what[n] == SOFT:
                            sum_s += int(_soft_sum(soft_words, a, b, fgu, fgv, base, su, sv, top_u, top_v))
                        else:
                            s, o = _both_sums(soft_words, bone_words, a, b, fgu, fgv, base, su, sv, top_u, top_v)
                            sum_s += int(s)
                            sum_b += int(o)
                    way = np.sqrt((x * spacing[0]) ** 2 + (y * spacing[1]) ** 2 + (z * spacing[2]) ** 2)
                    step = way / az * (UNIT / FINE)
                    soft[row, c] = sum_s * step
                    bone[row, c] = sum_b * step
