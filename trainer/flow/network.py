"""Pressures and flows of a patient's arteries and beds, at the level of cells."""

from __future__ import annotations

import math

import numpy as np

from trainer.anatomy.types import Patient
from trainer.errors import AnatomyError
from trainer.flow.circuit import Circuit
from trainer.flow.fluids import Hemodynamics
from trainer.flow.heart import contraction_at, pressure_at, pressure_wave
from trainer.flow.resistance import BLOOD_DENSITY_KG_M3, compliance, inertance, occupancy, poiseuille
from trainer.flow.topology import Topology, in_liver
from trainer.flow.types import Cells, Floats, Ints
from trainer.units import MMHG_PA

LEAST_BED_MMHG = 3.0
"""A bed whose artery leaves less than this over its vein keeps this much, and carries less than asked."""
TURBULENT = 1.52
"""Loss of the jet behind a stenosis over its ideal value (Young and Tsai 1973)."""
TURBULENCE = 0.5 * BLOOD_DENSITY_KG_M3 / MMHG_PA
"""rho / 2 for flow in mL/s and areas in mm2: mmHg mm4 s2 / mL2 (mL/s over mm2 is m/s)."""
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
        ways = np.concatenate([self.up[self.up >= 0], topology.join_to, topology.bed_cell,
                               np.array([topology.first_cell[s.vessel + 1] - 1 for s in patient.shunts], np.int64)])
        self.fork = np.bincount(ways, minlength=n) > 1
        half_L = 0.5 * inertance(length, r1, r2)
        self.L = self._edge(np.stack([half_L, half_L]))
        self.C = compliance(cells.volume_mL[:n], middle)
        self.wave = pressure_wave(patient.heart)
        self.period_s = 60.0 / patient.heart.rate_bpm
        self.mean_mmHg = patient.heart.mean_mmHg
        self._beats = patient.heart.systolic_mmHg > patient.heart.diastolic_mmHg
        self.time_s = 0.0
        self._breath, self._breathed, self._bed_mmHg = 0.0, constants.breathing_mmHg, constants.bed_pressure_mmHg
        self._in_liver = np.flatnonzero(in_liver(patient))
        self._extra, self._scratch = np.zeros((2, n)), np.zeros((2, n))
        self._plug, self._narrow, self._coiled = np.ones(n), np.ones((2, n)), np.ones(n)
        self._set_beds(patient, constants)
        self.circuit = self._circuit(patient, constants)
        self.occupied = False
        self.settle(beats=WARM_UP_BEATS)

    def _sides(self, half: Floats) -> tuple[Floats, Floats]:
        """What lies on each side of a cell's node, from its halves (2, n). A cell that ends in a fork has its
        node at the fork, so that its branches share the loss along it."""
        return half[0] + np.where(self.fork, half[1], 0.0), np.where(self.fork, 0.0, half[1])

    def _edge(self, half: Floats) -> Floats:
        """Sum along each edge (n + J,), from node to node, of what the halves of cells hold; arcades' ends last."""
        before, behind = self._sides(half)
        arcades = behind[self.topology.join_from] + behind[self.topology.join_to]
        return np.concatenate([before + np.where(self.up >= 0, behind[self.up], 0.0), arcades])

    def _set_beds(self, patient: Patient, constants: Hemodynamics) -> None:
        """Bed resistances that give each bed its rest flow behind the pressure lost upstream (exact: the
        mean flows of a linear tree are those of its steady state)."""
        cell, flow = self.topology.bed_cell, patient.beds.flow_mL_s
        if np.any(flow <= 0.0):
            name = patient.tree.names[int(patient.beds.vessel[np.argmin(flow)])]
            raise AnatomyError(f"the bed of '{name}' has no flow.", mend="Give every end a positive flow.")
        half = self._healthy(patient)
        p = self._pressures_at_rest(self._edge(half), flow)
        left = p[cell] - flow * self._sides(half)[1][cell] - constants.bed_pressure_mmHg
        self.bed_R = np.maximum(left, LEAST_BED_MMHG) / flow
        self.rest_end_mmHg = left + constants.bed_pressure_mmHg

    def _healthy(self, patient: Patient) -> Floats:
        """Resistances (2, n) of half cells without the patient's stenoses."""
        c, n = self.cells, self.topology.arteries
        wide = np.ones((2, n))
        for s in patient.stenoses:
            own = slice(int(self.topology.first_cell[s.vessel]), int(self.topology.first_cell[s.vessel + 1]))
            wide[0, own], wide[1, own] = s.factor(c.from_mm[own]), s.factor(c.to_mm[own])
        r1, r2 = c.radius_start[:n] / wide[0], c.radius_end[:n] / wide[1]
        length, middle = (c.to_mm - c.from_mm)[:n], 0.5 * (r1 + r2)
        return np.stack([poiseuille(0.5 * length, r1, middle, self.viscosity),
                         poiseuille(0.5 * length, middle, r2, self.viscosity)])

    def _pressures_at_rest(self, edge_R: Floats, flow: Floats) -> Floats:
        """Mean pressure at the nodes (n,) while each bed takes its flow (B,)."""
        none, n = np.zeros(0), self.topology.arteries
        a, b = self._ends()
        rest = Circuit(n, a, b, edge_R, np.zeros(len(a)), np.zeros(len(a)), np.zeros(n), none.astype(np.int64), none,
                       none, none, none, np.array([self.mean_mmHg]))
        np.add.at(rest.source, self.topology.bed_cell, -flow)
        rest.steady()
        return rest.P

    def _ends(self) -> tuple[Ints, Ints]:
        """Nodes that each edge joins: into every cell from the one before, then the arcades."""
        n, top = self.topology.arteries, self.topology
        return (np.concatenate([np.where(self.up < 0, n, self.up), top.join_from]),
                np.concatenate([np.arange(n), top.join_to]))

    def _turbulence(self, patient: Patient) -> Floats:
        """Pressure lost behind each stenosis per flow squared, by edge, mmHg s2/mL2 (Young and Tsai 1973)."""
        out = np.zeros(len(self._ends()[0]))
        for s in patient.stenoses:
            a, b = int(self.topology.first_cell[s.vessel]), int(self.topology.first_cell[s.vessel + 1])
            throat = min(b - 1, a + int(np.argmin(np.abs(self.cells.to_mm[a:b] - s.at_mm))) + 1)
            wide = math.pi * (self.cells.radius_start[throat] / s.share) ** 2
            out[throat] = TURBULENT * TURBULENCE * (1.0 / s.share**2 - 1.0) ** 2 / wide**2
        return out

    def _circuit(self, patient: Patient, constants: Hemodynamics) -> Circuit:
        n, beds, shunts = self.topology.arteries, len(self.topology.bed_cell), patient.shunts
        cell = np.array([*self.topology.bed_cell,
                         *(self.topology.first_cell[s.vessel + 1] - 1 for s in shunts)], np.int64)
        self.terminal = cell
        share = constants.bed_proximal_share
        self._R1 = np.concatenate([share * self.bed_R, np.zeros(len(shunts))])
        R2 = np.concatenate([(1.0 - share) * self.bed_R, [1.0 / s.conductance for s in shunts]])
        self._R2, self._shunt_R = (1.0 - share) * self.bed_R, np.array([1.0 / s.conductance for s in shunts])
        C = np.concatenate([constants.bed_time_s / self.bed_R, np.zeros(len(shunts))])
        self.bed_closed = np.zeros(beds)
        """(B,) share of each bed that spheres have closed."""
        venous = np.full(len(cell), constants.bed_pressure_mmHg)
        a, b = self._ends()
        return Circuit(n, a, b, np.ones(len(a)), self.L, self._turbulence(patient), self.C, cell, self._R1.copy(),
                       C, R2, venous, np.array([self.mean_mmHg]), rounds=4)

    def settle(self, beats: int) -> None:
        """Starts from the steady state and runs some beats, so that the pulse has settled. Sets rest_flow."""
        self.refresh()
        self.circuit.steady()
        self.rest_flow = self.circuit.Q[: self.topology.arteries].copy()
        self.rest_bed_flow = self.circuit.bed_in.copy()
        dt = self.period_s / round(60.0 * self.period_s)
        for _ in range(beats * round(60.0 * self.period_s)):
            self.step(dt)
        self.time_s = 0.0

    def refresh(self) -> None:
        """Writes the resistances of edges and beds from devices, plugs, injuries and closed beds."""
        self._half = self.half_R * (1.0 + self._extra) * self._plug * self._coiled * self._narrow
        self.circuit.R[:] = self._edge(self._half)
        self.before_R, self._behind_R = self._sides(self._half)
        self.close_beds(self.bed_closed)

    def close_beds(self, closed: Floats) -> None:
        """Closes a share of each bed, (B,)."""
        self.bed_closed[:] = closed
        c = self.circuit
        c.bed_R1[:] = self._R1 + self._behind_R[self.terminal]
        shut = np.minimum(closed, 1.0 - LEAST_OPEN)
        c.bed_R1[: len(shut)] += self.bed_R * shut / (1.0 - shut)
        c.stale = True

    def close_shunts(self, closed: Floats) -> None:
        """Closes a share of each shunt, (K,)."""
        first = len(self._R2)
        self.circuit.bed_R2[first : first + len(closed)] = self._shunt_R / np.maximum(1.0 - closed, LEAST_OPEN)
        self.circuit.stale = True

    def relax(self, tone: Floats) -> None:
        """Sets the resistance of beds' arterioles (B,), as a share of that at rest."""
        self.circuit.bed_R2[: len(tone)] = self._R2 * tone
        self.circuit.stale = True

    def occupy(self, vessel: Ints, position_mm: Floats, radius_mm: Floats) -> None:
        """Narrows lumens by devices: nodes (N,) with vessel (-1: none), arc length and outer radius, mm."""
        if not len(vessel) and not self.occupied:
            return
        n = self.topology.arteries
        c = self.cells
        occupancy(vessel, position_mm, radius_mm, self.topology.first_cell, c.from_mm[:n], c.to_mm[:n],
                  c.radius_start[:n], c.radius_end[:n], self.tree.parent, self.topology.attach,
                  self.topology.join_vessel, self.topology.join_mm, self._scratch)
        self.occupied = len(vessel) > 0
        if not np.array_equal(self._scratch, self._extra):
            self._extra, self._scratch = self._scratch, self._extra
            self.refresh()

    def plug(self, closed: Floats) -> None:
        """Narrows vessel cells by lodged spheres; closed (n,): share of each lumen's area."""
        # what is left of the area narrows like a tube: R grows as 1 / area^2
        self._plug[:] = 1.0 / np.maximum(1.0 - closed, 10.0 * LEAST_OPEN) ** 2
        self.refresh()

    def coil(self, closed: Floats) -> None:
        """Narrows vessel cells by coils; closed (n,): share of each lumen's area."""
        self._coiled[:] = 1.0 / np.maximum(1.0 - closed, 10.0 * LEAST_OPEN) ** 2
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

    def breathe(self, level: float) -> None:
        """Pressures of a breath, 0 end expiration to 1 full inspiration."""
        self._breath = level
        here = self._in_liver
        self.circuit.bed_P[here] = self._bed_mmHg + self._breathed.liver_rises * level

    def step(self, dt_s: float) -> None:
        """Advances by dt; `circuit.source` (n,) mL/s is what is injected."""
        self.time_s += dt_s
        self.circuit.fixed[0] = (pressure_at(self.wave, self.period_s, self.time_s)
                                 - self._breathed.aortic_falls * self._breath)
        self.circuit.step(dt_s)

    @property
    def contraction(self) -> float:
        """Of the heart now: 0 end diastole, 1 end systole; 0 always without a pulse."""
        return contraction_at(self.time_s / self.period_s) if self._beats else 0.0

    @property
    def aortic_mmHg(self) -> float:
        return float(self.circuit.fixed[0])
