"""Line integrals of closed meshes and Gaussian blobs. Exact for the mesh: no voxels, no sampling along rays.

For a closed surface the chord of a ray is the sum of its exits minus the sum of its entries, so every triangle
adds +-depth to the pixels whose centers it covers. Vertices are snapped to 1/64 pixel and edges follow the
top-left rule, so neighbors neither overlap nor leave gaps and the sum telescopes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

SUBPIXEL = 64.0


@njit(cache=True, nogil=True)
def project_vertices(matrix: Floats, vertices: Floats, xy: NDArray[np.int32], inverse: Floats) -> None:
    """Snapped positions (V, 2) in 1/64 pixel and inverse depths (V,) 1/mm of vertices (V, 3) mm."""
    for i in range(vertices.shape[0]):
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        w = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
        u = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]) / w
        v = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]) / w
        xy[i, 0] = round(u * SUBPIXEL)
        xy[i, 1] = round(v * SUBPIXEL)
        inverse[i] = 1.0 / w


@njit(cache=True, nogil=True)
def add_faces(
    xy: NDArray[np.int32],
    inverse: Floats,
    faces: NDArray[np.int32],
    density: Image,
    first: int,
    budget: float,
    depth0: float,
    soft: Image,
    bone: Image,
) -> tuple[int, float]:
    """Adds +-(depth - depth0) * density of faces from `first` on to soft and bone images (H, W).

    Stops when the budget is used: a face costs 1, 40 pixels of its box cost 1. Returns next face and budget.
    density (F, 2): water-equivalent and bone. Depths run along the central ray, mm; `finish` makes them path.
    """
    height, width = soft.shape
    one = int(SUBPIXEL)
    f = first - 1
    while f + 1 < faces.shape[0] and budget > 0:
        f += 1
        budget -= 1.0
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0 = int(xy[a, 0]), int(xy[a, 1])
        x1, y1 = int(xy[b, 0]), int(xy[b, 1])
        x2, y2 = int(xy[c, 0]), int(xy[c, 1])
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0:
            continue
        # Rows grow downward: a face seen from outside (an entry) then turns with positive area.
        sign = -1.0
        i0, i1, i2 = inverse[a], inverse[b], inverse[c]
        if area < 0:
            sign = 1.0
            area = -area
            x1, y1, x2, y2 = x2, y2, x1, y1
            i1, i2 = i2, i1
        left = max(-(max(-x0, -x1, -x2) // one), 0)
        right = min(max(x0, x1, x2) // one, width - 1)
        top = max(-(max(-y0, -y1, -y2) // one), 0)
        bottom = min(max(y0, y1, y2) // one, height - 1)
        if left > right or top > bottom:
            continue
        budget -= (right - left + 1) * (bottom - top + 1) / 40.0
        ax, ay = x2 - x1, y2 - y1
        bx, by = x0 - x2, y0 - y2
        cx, cy = x1 - x0, y1 - y0
        bias_a = 0 if ay < 0 or (ay == 0 and ax > 0) else -1
        bias_b = 0 if by < 0 or (by == 0 and bx > 0) else -1
        bias_c = 0 if cy < 0 or (cy == 0 and cx > 0) else -1
        ws, wb = np.float32(sign * density[f, 0]), np.float32(sign * density[f, 1])
        px, py = left * one, top * one
        ea = ax * (py - y1) - ay * (px - x1)
        eb = bx * (py - y2) - by * (px - x2)
        ec = cx * (py - y0) - cy * (px - x0)
        k = 1.0 / area
        slope = -(ay * i0 + by * i1 + cy * i2) * one * k
        for row in range(top, bottom + 1):
            va, vb, vc = ea, eb, ec
            inv = (ea * i0 + eb * i1 + ec * i2) * k
            for col in range(left, right + 1):
                if (va + bias_a) >= 0 and (vb + bias_b) >= 0 and (vc + bias_c) >= 0:
                    depth = np.float32(1.0 / inv - depth0)
                    soft[row, col] += ws * depth
                    if wb != 0:
                        bone[row, col] += wb * depth
                va -= ay * one
                vb -= by * one
                vc -= cy * one
                inv += slope
            ea += ax * one
            eb += bx * one
            ec += cx * one
    return f + 1, budget


@njit(cache=True, nogil=True)
def finish(image: Image, first: int, last: int, middle: float, pixel_over_sid: float) -> None:
    """Turns depths along the central ray into path lengths along each pixel's ray, rows first..last."""
    for row in range(first, last):
        y = (row - middle) * pixel_over_sid
        for col in range(image.shape[1]):
            x = (col - middle) * pixel_over_sid
            image[row, col] *= np.float32(np.sqrt(1.0 + x * x + y * y))


@njit(cache=True, nogil=True)
def add_blobs(
    matrix: Floats, source: Floats, mean: Floats, cov: Floats, mass: Floats, first: int, last: int, image: Image
) -> None:
    """Adds line integrals of 3-D Gaussians first..last to an image (H, W), mm of unit density.

    mean (N, 3) mm, cov (N, 6) xx,xy,xz,yy,yz,zz mm2, mass (N,) mm3 of unit density. Each Gaussian is projected
    by the affine map at its center: its shadow is the Gaussian with covariance J C J^T, and its integral along
    the ray is mass * (image area per patient area) / (2 pi sqrt det).
    """
    height, width = image.shape
    j = np.zeros((2, 3))
    for n in range(first, last):
        x, y, z = mean[n, 0], mean[n, 1], mean[n, 2]
        w = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
        u = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]) / w
        v = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]) / w
        for q in range(3):
            j[0, q] = (matrix[0, q] - u * matrix[2, q]) / w
            j[1, q] = (matrix[1, q] - v * matrix[2, q]) / w
        c = cov[n]
        tx0 = c[0] * j[0, 0] + c[1] * j[0, 1] + c[2] * j[0, 2]
        ty0 = c[1] * j[0, 0] + c[3] * j[0, 1] + c[4] * j[0, 2]
        tz0 = c[2] * j[0, 0] + c[4] * j[0, 1] + c[5] * j[0, 2]
        tx1 = c[0] * j[1, 0] + c[1] * j[1, 1] + c[2] * j[1, 2]
        ty1 = c[1] * j[1, 0] + c[3] * j[1, 1] + c[4] * j[1, 2]
        tz1 = c[2] * j[1, 0] + c[4] * j[1, 1] + c[5] * j[1, 2]
        a = j[0, 0] * tx0 + j[0, 1] * ty0 + j[0, 2] * tz0 + 0.1
        b = j[1, 0] * tx0 + j[1, 1] * ty0 + j[1, 2] * tz0
        d = j[1, 0] * tx1 + j[1, 1] * ty1 + j[1, 2] * tz1 + 0.1
        det = a * d - b * b
        # Jacobian of the map from the plane normal to this ray to the image
        nx = j[0, 1] * j[1, 2] - j[0, 2] * j[1, 1]
        ny = j[0, 2] * j[1, 0] - j[0, 0] * j[1, 2]
        nz = j[0, 0] * j[1, 1] - j[0, 1] * j[1, 0]
        scale = np.sqrt(nx * nx + ny * ny + nz * nz)
        peak = mass[n] * scale / (2.0 * np.pi * np.sqrt(det))
        reach_x, reach_y = 3.2 * np.sqrt(a), 3.2 * np.sqrt(d)
        left, right = max(int(np.ceil(u - reach_x)), 0), min(int(u + reach_x), width - 1)
        top, bottom = max(int(np.ceil(v - reach_y)), 0), min(int(v + reach_y), height - 1)
        qa, qb, qd = 0.5 * d / det, -b / det, 0.5 * a / det
        for row in range(top, bottom + 1):
            dy = row - v
            for col in range(left, right + 1):
                dx = col - u
                q = qa * dx * dx + qb * dx * dy + qd * dy * dy
                if q < 5.0:
                    image[row, col] += np.float32(peak * np.exp(-q))
