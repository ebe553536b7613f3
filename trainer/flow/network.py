"""Pressures and flows of a patient's arteries and beds, at the level of cells."""

from __future__ import annotations

import numpy as np

from trainer.anatomy.types import Patient
from trainer.errors import AnatomyError
from trainer.flow.circuit import Circuit
from trainer.flow.fluids import Hemodynamics
from trainer.flow.heart import pressure_at, pressure_wave
from trainer.flow.resistance import compliance, inertance, occupancy, poiseuille
from trainer.flow.topology import Topology
from trainer.flow.types import Cells, Floats, Ints

LEAST_BED_MMHG = 3.0
"""A bed whose artery leaves less than this over its vein keeps this much, and carries less than asked."""
WARM_UP_BEATS = 3
NO_WAY = 1e12
"""Resistance, mmHg s/mL, of a way out that is none."""
TISSUE_MMHG = 8.0
"""Pressure in the tissue around a vessel before it bleeds (unverified)."""
LEAST_OPEN = 1e-5
"""Share of a bed or vessel that stays open when it is full of spheres."""


class ArterialNetwork:
    """The pulsatile network. Node i is artery cell i, edge i leads into it (edge 0 from the aorta).

    Each half of a cell resists on its own, so that a device that reaches into a cell's middle narrows only
    the half behind its tip. Terminals are the beds, then the shunts. `before_R` (n,) is the resistance from a
    cell's start to its node now.
    """

    def __init__(self, patient: Patient, cells: Cells, topology: Topology, constants: Hemodynamics) -> None:
        self.topology, self.cells, n = topology, cells, topology.arteries
        self.tree = patient.tree
        self.viscosity = patient.viscosity_mPa_s
        length = (cells.to_mm - cells.from_mm)[:n]
        r1, r2 = cells.radius_start[:n], cells.radius_end[:n]
        middle = 0.5 * (r1 + r2)
        self.half_R = np.stack([poiseuille(0.5 * length, r1, middle, self.viscosity),
                                poiseuille(0.5 * length, middle, r2, self.viscosity)])
        """(2, n) mmHg s/mL: upstream and downstream half of each open cell."""
        self.up = topology.up[:n]
        self.fork = np.bincount(self.up[self.up >= 0], minlength=n) > 1
        half_L = 0.5 * inertance(length, r1, r2)
        self.L = self._edge(np.stack([half_L, half_L]))
        self.C = compliance(cells.volume_mL[:n], middle)
        self.wave = pressure_wave(patient.heart)
        self.period_s = 60.0 / patient.heart.rate_bpm
        self.mean_mmHg = patient.heart.mean_mmHg
        self.time_s = 0.0
        self._extra, self._scratch = np.zeros((2, n)), np.zeros((2, n))
        self._plug, self._narrow = np.ones(n), np.ones((2, n))
        self._set_beds(patient, constants)
        self.circuit = self._circuit(patient, constants)
        self.occupied = False
        self.settle(beats=WARM_UP_BEATS)

    def _sides(self, half: Floats) -> tuple[Floats, Floats]:
        """What lies on each side of a cell's node, from its halves (2, n). A cell that ends in a fork has its
        node at the fork, so that its branches share the loss along it."""
        return half[0] + np.where(self.fork, half[1], 0.0), np.where(self.fork, 0.0, half[1])

    def _edge(self, half: Floats) -> Floats:
        """Sum along each edge, from node to node, of what the halves of cells hold."""
        before, behind = self._sides(half)
        return np.asarray(before + np.where(self.up >= 0, behind[self.up], 0.0))

    def _set_beds(self, patient: Patient, constants: Hemodynamics) -> None:
        """Bed resistances that give each bed its rest flow behind the pressure lost upstream (exact: the
        mean flows of a linear tree are those of its steady state)."""
        q = np.zeros(self.topology.arteries)
        np.add.at(q, self.topology.bed_cell, patient.beds.flow_mL_s)
        for i in range(len(q) - 1, 0, -1):
            q[self.up[i]] += q[i]
        p = np.zeros(len(q))
        edge_R = self._edge(self.half_R)
        for i, u in enumerate(self.up):
            p[i] = (self.mean_mmHg if u < 0 else p[u]) - q[i] * edge_R[i]
        cell, flow = self.topology.bed_cell, patient.beds.flow_mL_s
        if np.any(flow <= 0.0):
            name = patient.tree.names[int(patient.beds.vessel[np.argmin(flow)])]
            raise AnatomyError(f"the bed of '{name}' has no flow.", mend="Give every end a positive flow.")
        left = p[cell] - flow * self.half_R[1, cell] - constants.bed_pressure_mmHg
        self.bed_R = np.maximum(left, LEAST_BED_MMHG) / flow
        self.rest_end_mmHg = left + constants.bed_pressure_mmHg

    def _circuit(self, patient: Patient, constants: Hemodynamics) -> Circuit:
        n, beds, shunts = self.topology.arteries, len(self.topology.bed_cell), patient.shunts
        cell = np.array([*self.topology.bed_cell,
                         *(self.topology.first_cell[v + 1] - 1 for v, _, _ in shunts)], np.int64)
        self.terminal = cell
        share = constants.bed_proximal_share
        self._R1 = np.concatenate([share * self.bed_R, np.zeros(len(shunts))])
        R2 = np.concatenate([(1.0 - share) * self.bed_R, [1.0 / g for _, _, g in shunts]])
        C = np.concatenate([constants.bed_time_s / self.bed_R, np.zeros(len(shunts))])
        self.bed_closed = np.zeros(beds)
        """(B,) share of each bed that spheres have closed."""
        venous = np.full(len(cell), constants.bed_pressure_mmHg)
        return Circuit(n, np.where(self.up < 0, n, self.up), np.arange(n), np.ones(n), self.L, np.zeros(n),
                       self.C, cell, self._R1.copy(), C, R2, venous, np.array([self.mean_mmHg]))

    def settle(self, beats: int) -> None:
        """Starts from the steady state and runs some beats, so that the pulse has settled. Sets rest_flow."""
        self.refresh()
        self.circuit.steady()
        self.rest_flow = self.circuit.Q.copy()
        self.rest_bed_flow = self.circuit.bed_in.copy()
        dt = self.period_s / round(60.0 * self.period_s)
        for _ in range(beats * round(60.0 * self.period_s)):
            self.step(dt)
        self.time_s = 0.0

    def refresh(self) -> None:
        """Writes the resistances of edges and beds from devices, plugs, injuries and closed beds."""
        self._half = self.half_R * (1.0 + self._extra) * self._plug * self._narrow
        self.circuit.R[:] = self._edge(self._half)
        self.before_R = self._sides(self._half)[0]
        self.close_beds(self.bed_closed)

    def close_beds(self, closed: Floats) -> None:
        """Closes a share of each bed, (B,)."""
        self.bed_closed[:] = closed
        c = self.circuit
        c.bed_R1[:] = self._R1 + self._half[1, self.terminal]
        shut = np.minimum(closed, 1.0 - LEAST_OPEN)
        c.bed_R1[: len(shut)] += self.bed_R * shut / (1.0 - shut)
        c.stale = True

    def occupy(self, vessel: Ints, position_mm: Floats, radius_mm: Floats) -> None:
        """Narrows lumens by devices: nodes (N,) with vessel (-1: none), arc length and outer radius, mm."""
        if not len(vessel) and not self.occupied:
            return
        n = self.topology.arteries
        c = self.cells
        occupancy(vessel, position_mm, radius_mm, self.topology.first_cell, c.from_mm[:n], c.to_mm[:n],
                  c.radius_start[:n], c.radius_end[:n], self.tree.parent, self.topology.attach, self._scratch)
        self.occupied = len(vessel) > 0
        if not np.array_equal(self._scratch, self._extra):
            self._extra, self._scratch = self._scratch, self._extra
            self.refresh()

    def plug(self, closed: Floats) -> None:
        """Narrows vessel cells by lodged spheres; closed (n,): share of each lumen's area."""
        # what is left of the area narrows like a tube: R grows as 1 / area^2
        self._plug[:] = 1.0 / np.maximum(1.0 - closed, 10.0 * LEAST_OPEN) ** 2
        self.refresh()

    def narrow(self, factor: Floats) -> None:
        """Narrows vessels by injuries of the wall; factor (2, n): resistance of each half cell over its own."""
        self._narrow = factor
        self.refresh()

    def open_hole(self, cell: int, resistance: float, compliance: float) -> None:
        """A hole in a cell's wall, mmHg s/mL, into tissue that gives by mL/mmHg: one more terminal, the last.
        What bled stays, so that the tissue's pressure rises until nothing comes any more."""
        c = self.circuit
        self.terminal = np.append(self.terminal, cell)
        self._R1 = np.append(self._R1, resistance)
        c.bed_node = self.terminal
        c.bed_R1, c.bed_C = np.append(c.bed_R1, resistance), np.append(c.bed_C, compliance)
        c.bed_R2, c.bed_P = np.append(c.bed_R2, NO_WAY), np.append(c.bed_P, TISSUE_MMHG)
        c.bed_Pc, c.bed_in = np.append(c.bed_Pc, TISSUE_MMHG), np.append(c.bed_in, 0.0)
        self.refresh()

    def step(self, dt_s: float) -> None:
        """Advances by dt; `circuit.source` (n,) mL/s is what is injected."""
        self.time_s += dt_s
        self.circuit.fixed[0] = pressure_at(self.wave, self.period_s, self.time_s)
        self.circuit.step(dt_s)

    @property
    def aortic_mmHg(self) -> float:
        return float(self.circuit.fixed[0])
