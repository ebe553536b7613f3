"""Balloons and antireflux valves: how wide a device is for the blood."""

from __future__ import annotations

from trainer.flow.topology import Topology
from trainer.flow.types import Cells, Floats
from trainer.instruments.types import Sealing, Shapes


class Seals:
    """Which valves are shut, from step to step."""

    def __init__(self, cells: Cells, topology: Topology) -> None:
        self.cells, self.topology = cells, topology
        self._shut: set[str] = set()

    def widened(self, shapes: Shapes, pressure: Floats, flow: Floats) -> Floats:
        """Outer radius (N,) of the devices with balloons, and with valves where blood would flow back past them.
        pressure, flow: of the artery cells, (n,)."""
        if not shapes.sealings:
            return shapes.radius
        radius = shapes.radius.copy()
        for seal in shapes.sealings:
            middle = (seal.first + seal.last) // 2
            if shapes.vessel[middle] < 0:
                continue
            if seal.one_way and not self._shuts(seal, shapes, middle, pressure, flow):
                continue
            for k in range(seal.first, seal.last):
                if shapes.vessel[k] >= 0:
                    cell = self._cell(shapes, k)
                    lumen = 0.5 * float(self.cells.radius_start[cell] + self.cells.radius_end[cell])
                    radius[k] = max(radius[k], min(seal.radius_mm, lumen))
        return radius

    def _shuts(self, seal: Sealing, shapes: Shapes, middle: int, pressure: Floats, flow: Floats) -> bool:
        """Whether a valve is shut: backward flow shuts it, a higher pressure before it opens it."""
        if seal.slot not in self._shut:
            shut = bool(flow[self._cell(shapes, middle)] < 0.0)
        else:
            beyond = min(seal.last + 1, len(shapes.s) - 1)
            shut = bool(pressure[self._cell(shapes, beyond)] > pressure[self._cell(shapes, max(seal.first - 1, 0))])
        (self._shut.add if shut else self._shut.discard)(seal.slot)
        return shut

    def _cell(self, shapes: Shapes, node: int) -> int:
        return self.topology.cell_at(self.cells, int(shapes.vessel[node]), float(shapes.position_mm[node]))
