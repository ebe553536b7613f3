"""Axial force at each hub.

The shared centerline carries one axial force N(s). At the end of the device around it, a bundle of inner
devices carries all of N there; on the way to its hub the lumen's friction adds (capstan law over the bend,
and a push against the bundle's own bending). The outermost hub takes the rest of the force at the mouth.
A simplification of the marching law of coaxial.md section 6; hub forces do not act back on the shape,
because every hub position is commanded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.instruments.stack import Line

Floats = NDArray[np.float64]


def hub_forces(line: Line, tips: Floats, friction: Floats) -> Floats:
    """Force (K,), N, that each hand feels; positive resists advancing. tips (K,) mm, outermost first."""
    middle = 0.5 * (line.s[1:] + line.s[:-1])
    push = -line.tension
    at_mouth = float(push[1]) if len(push) > 1 else 0.0
    bend = np.concatenate([[0.0], np.cumsum(line.curvature[1:-1] * np.diff(middle))])
    bundle = np.zeros(len(tips) + 1)  # force of devices k.. at their common host's hub
    bundle[0] = at_mouth
    for k in range(1, len(tips)):
        host = tips[:k].max()
        if tips[k] <= 0.0:
            continue
        if tips[k] <= host or host <= 0.0:
            bundle[k] = 0.0 if host > 0.0 else at_mouth
            continue
        force = float(np.interp(host, middle[1:], push[1:]))
        angle = float(np.interp(host, middle, bend))
        bundle[k] = force * np.exp(friction[k] * angle)
    return bundle[:-1] - bundle[1:]
