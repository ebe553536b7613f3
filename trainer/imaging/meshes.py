"""Closed triangle meshes of the body's parts. Faces turn counter-clockwise seen from outside."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.anatomy.surfaces import normalization, radius_at

Floats = NDArray[np.float64]
Faces = NDArray[np.int32]


class Mesh(NamedTuple):
    vertices: Floats  # (V, 3) mm
    faces: Faces  # (F, 3)


def volume(mesh: Mesh) -> float:
    """Enclosed volume, mm3; negative when the faces turn the wrong way (divergence theorem)."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0


def outward(mesh: Mesh) -> Mesh:
    """The same mesh with its faces turned outward."""
    return mesh if volume(mesh) >= 0 else Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))


def lathe(rings: Floats) -> Mesh:
    """Closed mesh through rings (R, N, 3) of matching points, ends closed by fans to their middles."""
    r, n, _ = rings.shape
    vertices = np.vstack([rings.reshape(-1, 3), rings[0].mean(axis=0), rings[-1].mean(axis=0)])
    i, j = np.meshgrid(np.arange(r - 1), np.arange(n), indexing="ij")
    a, b = i * n + j, i * n + (j + 1) % n
    c, d = a + n, b + n
    sides = np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)])
    k = np.arange(n)
    low = np.stack([(k + 1) % n, k, np.full(n, r * n)], -1)
    high = np.stack([(r - 1) * n + k, (r - 1) * n + (k + 1) % n, np.full(n, r * n + 1)], -1)
    faces = np.concatenate([sides, low, high]).astype(np.int32)
    return outward(Mesh(vertices, faces))


def tube(path: Floats, half_a: Floats, half_b: Floats, toward_a: Floats, around: int = 14) -> Mesh:
    """Elliptic tube along path (N, 3) mm with half axes (N,) mm and rounded ends.

    half_a lies along the part of `toward_a` ((3,) or (N, 3)) that is normal to the path, half_b across it.
    """
    p = np.asarray(path, dtype=np.float64)
    tangent = np.gradient(p, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    a = np.broadcast_to(np.asarray(toward_a, dtype=np.float64), p.shape)
    a = a - np.einsum("ij,ij->i", a, tangent)[:, None] * tangent
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = np.cross(tangent, a)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    ha, hb = np.broadcast_to(half_a, len(p)), np.broadcast_to(half_b, len(p))

    def ring(k: int, scale: float, ahead: float) -> Floats:
        out: Floats = (
            p[k]
            + ahead * tangent[k]
            + scale * (np.cos(angle)[:, None] * ha[k] * a[k] + np.sin(angle)[:, None] * hb[k] * b[k])
        )
        return out

    cap = [(0.35, 0.94), (0.7, 0.71), (0.92, 0.38)]
    first = [ring(0, s, -e * min(ha[0], hb[0])) for s, e in cap]
    last = [ring(len(p) - 1, s, e * min(ha[-1], hb[-1])) for s, e in reversed(cap)]
    return lathe(np.array([*first, *(ring(k, 1.0, 0.0) for k in range(len(p))), *last]))


def ellipsoid(center: Floats, axes: Floats, semi: Floats, around: int = 14) -> Mesh:
    """Ellipsoid with semi-axes (3,) mm along the rows of axes (3, 3)."""
    z = np.cos(np.linspace(0.15, np.pi - 0.15, around // 2 + 1))
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    r = np.sqrt(1 - z**2)
    unit = np.stack([r[:, None] * np.cos(angle), r[:, None] * np.sin(angle), z[:, None] + 0 * angle], -1)
    return lathe(center + (unit * semi) @ axes)


def radii(coefficients: Floats, directions: Floats) -> Floats:
    """Radius (N,) mm of a surface given as spherical harmonics in unit directions (N, 3)."""
    out = np.empty(directions.shape)
    flat = np.ascontiguousarray(directions)
    _harmonic_points(np.zeros(3), np.asarray(coefficients, float), normalization(), flat, out)
    return np.asarray(np.einsum("ij,ij->i", out, directions))


@njit(cache=True, nogil=True)
def _harmonic_points(center: Floats, coefficients: Floats, norm: Floats, directions: Floats, out: Floats) -> None:
    for i in range(directions.shape[0]):
        u = directions[i]
        r = radius_at(coefficients, norm, u[0], u[1], u[2])
        for k in range(3):
            out[i, k] = center[k] + r * u[k]


def harmonic(center: Floats, coefficients: Floats, around: int = 72) -> Mesh:
    """Organ surface given as spherical harmonics (see anatomy.surfaces), `around` points a circle."""
    theta = np.linspace(0.02, np.pi - 0.02, around // 2)
    phi = np.linspace(0, 2 * np.pi, around, endpoint=False)
    u = np.stack(
        [np.sin(theta)[:, None] * np.cos(phi), np.sin(theta)[:, None] * np.sin(phi), np.cos(theta)[:, None] + 0 * phi],
        -1,
    )
    flat = np.ascontiguousarray(u.reshape(-1, 3))
    out = np.empty_like(flat)
    _harmonic_points(np.asarray(center, float), np.asarray(coefficients, float), normalization(), flat, out)
    return lathe(out.reshape(u.shape))


def inset(mesh: Mesh, depth: float | Floats) -> Mesh:
    """The mesh with every vertex moved inward along its normal by depth (scalar or (V,)) mm."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    sums = np.zeros_like(mesh.vertices)
    for k in range(3):
        np.add.at(sums, mesh.faces[:, k], normal)
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return Mesh(mesh.vertices - sums * np.reshape(depth, (-1, 1)), mesh.faces)


def joined(meshes: list[Mesh]) -> Mesh:
    """Several meshes as one."""
    start = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    return Mesh(
        np.vstack([m.vertices for m in meshes]),
        np.vstack([m.faces + s for m, s in zip(meshes, start)]).astype(np.int32),
    )


_TETS = np.array([[0, 1, 3, 7], [0, 1, 7, 5], [0, 5, 7, 4], [0, 2, 7, 3], [0, 6, 7, 2], [0, 4, 7, 6]], dtype=np.int64)
"""Six tetrahedra of a cube whose corner c has offsets (c & 1, c >> 1 & 1, c >> 2)."""


@njit(cache=True, nogil=True)
def _crossing(value: Floats, i: int, j: int, k: int, l: int, m: int, n: int, out: Floats) -> None:
    """Zero of value on a grid edge, always computed from the lower end so that neighbors agree bit for bit."""
    if (i, j, k) > (l, m, n):
        i, j, k, l, m, n = l, m, n, i, j, k
    a, b = value[i, j, k], value[l, m, n]
    f = a / (a - b)
    out[0] = i + f * (l - i)
    out[1] = j + f * (m - j)
    out[2] = k + f * (n - k)


@njit(cache=True, nogil=True)
def _polygonize(value: Floats, tets: NDArray[np.int64], out: Floats, write: bool) -> int:
    """Triangles (count, 3, 3) in grid units of the surface value = 0, facing the negative side."""
    count = 0
    nx, ny, nz = value.shape
    c = np.zeros((4, 3), dtype=np.int64)
    p = np.zeros((4, 3))
    ins = np.zeros(4, dtype=np.int64)
    outs = np.zeros(4, dtype=np.int64)
    for i in range(nx - 1):
        for j in range(ny - 1):
            for k in range(nz - 1):
                inside = 0
                for q in range(8):
                    inside += value[i + (q & 1), j + ((q >> 1) & 1), k + (q >> 2)] > 0
                if inside == 0 or inside == 8:
                    continue
                for t in range(6):
                    n_in = n_out = 0
                    for q in range(4):
                        v = tets[t, q]
                        c[q, 0], c[q, 1], c[q, 2] = i + (v & 1), j + ((v >> 1) & 1), k + (v >> 2)
                        if value[c[q, 0], c[q, 1], c[q, 2]] > 0:
                            ins[n_in] = q
                            n_in += 1
                        else:
                            outs[n_out] = q
                            n_out += 1
                    if n_in == 0 or n_out == 0:
                        continue
                    corners = n_in * n_out  # 3 or 4 edges are crossed
                    if not write:
                        count += corners - 2
                        continue
                    for e in range(corners):
                        if n_in == 2:  # around the quadrilateral
                            a, b = ins[e // 2], outs[(e + 1) // 2 % 2]
                        else:
                            a, b = ins[e % n_in], outs[e % n_out]
                        _crossing(value, c[a, 0], c[a, 1], c[a, 2], c[b, 0], c[b, 1], c[b, 2], p[e])
                    ux, uy, uz = p[1, 0] - p[0, 0], p[1, 1] - p[0, 1], p[1, 2] - p[0, 2]
                    vx, vy, vz = p[2, 0] - p[0, 0], p[2, 1] - p[0, 1], p[2, 2] - p[0, 2]
                    o, w = c[outs[0]], c[ins[0]]
                    side = (
                        (uy * vz - uz * vy) * (o[0] - w[0])
                        + (uz * vx - ux * vz) * (o[1] - w[1])
                        + (ux * vy - uy * vx) * (o[2] - w[2])
                    )
                    for f in range(corners - 2):
                        second, third = f + 1, f + 2
                        if side < 0:
                            second, third = third, second
                        for q in range(3):
                            out[count, 0, q] = p[0, q]
                            out[count, 1, q] = p[second, q]
                            out[count, 2, q] = p[third, q]
                        count += 1
    return count


def isosurface(value: Floats, origin: Floats, spacing: float) -> Mesh:
    """Surface value = 0 of a grid (nx, ny, nz), positive inside, by marching tetrahedra.

    Grid point (i, j, k) lies at origin (3,) + spacing * (i, j, k), mm. The grid's border must be negative,
    else the surface is open.
    """
    v = np.ascontiguousarray(value, dtype=np.float64)
    v = np.where(np.abs(v) < 1e-9, -1e-9, v)
    triangles = np.empty((_polygonize(v, _TETS, np.empty((0, 3, 3)), False), 3, 3))
    _polygonize(v, _TETS, triangles, True)
    # Corners met at the same edge have equal bits: give them one vertex.
    flat = triangles.reshape(-1, 3)
    ticks = np.rint(flat * 4096.0).astype(np.int64)
    _, keep, index = np.unique(
        (ticks[:, 0] << 42) + (ticks[:, 1] << 21) + ticks[:, 2], return_index=True, return_inverse=True
    )
    return Mesh(flat[keep] * spacing + np.asarray(origin), index.reshape(-1, 3).astype(np.int32))
