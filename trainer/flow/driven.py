"""A circuit together with what drives it over a period: given pressures, inflows, changing resistances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from trainer.flow.circuit import Circuit
from trainer.flow.types import Floats

SUBSTEPS = 20
"""Time steps between two output times; keeps the first-order error below 0.1 % at 200 points a cycle."""

Series = tuple[int, Floats, Floats]
"""A node and a value over one period: node, times (T,), values (T,)."""


@dataclass(frozen=True, slots=True)
class Network:
    """A circuit by names of vessels, ready to run. Nodes from `circuit.count` on have given pressures."""

    circuit: Circuit
    period_s: float
    points: int
    """Output times of a cycle, both ends included."""
    cycles: int
    inlet: Mapping[str, int]
    """Edge at the inlet of each vessel."""
    outlet: Mapping[str, int]
    inlet_node: Mapping[str, int]
    outlet_node: Mapping[str, int]
    pressures: tuple[Series, ...]
    flows: tuple[Series, ...]
    squeezes: tuple[tuple[Series, float], ...] = ()
    """Outside pressure on a compliance at a node, and that compliance (heart muscle on its vessels)."""
    varying: tuple[tuple[int, Callable[[float], float]], ...] = ()
    """Edges whose resistance depends on the time within the period."""
    empty: bool = False
    """A run starts without flow and pressure, not from the steady solution."""

    def _pressures(self, t: float) -> Floats:
        return np.array([np.interp(t % self.period_s, a, y) for _, a, y in self.pressures])

    def _drive(self, t: float, dt: float) -> None:
        """Sets what drives the circuit over the step that ends at t."""
        c, now = self.circuit, t % self.period_s
        if self.pressures:
            c.fixed[: len(self.pressures)] = self._pressures(t)
        c.source[:] = 0.0
        for node, a, y in self.flows:
            c.source[node] += np.interp(now, a, y)
        for (node, a, y), compliance in self.squeezes:
            before = np.interp((t - dt) % self.period_s, a, y)
            c.source[node] += compliance * (np.interp(now, a, y) - before) / dt
        for edge, resistance in self.varying:
            c.R[edge], c.stale = resistance(now), True

    def steady(self) -> dict[str, dict[str, float]]:
        """Steady solution under the period's means: flow_in, flow_out, pressure_in, pressure_out by vessel."""
        c = self.circuit
        grid = np.linspace(0.0, self.period_s, 400, endpoint=False)
        if self.pressures:
            c.fixed[: len(self.pressures)] = np.mean([self._pressures(t) for t in grid], axis=0)
        c.source[:] = 0.0
        for node, a, y in self.flows:
            c.source[node] += np.interp(grid, a, y).mean()
        for edge, resistance in self.varying:
            c.R[edge] = np.mean([resistance(t) for t in grid])
        c.steady()
        p = np.concatenate([c.P, c.fixed])
        return {name: {"flow_in": float(c.Q[self.inlet[name]]), "flow_out": float(c.Q[self.outlet[name]]),
                       "pressure_in": float(p[self.inlet_node[name]]),
                       "pressure_out": float(p[self.outlet_node[name]])} for name in self.inlet}

    def run(self, cycles: int = 0, substeps: int = SUBSTEPS) -> dict[str, dict[str, Floats]]:
        """Time series of the last cycle by vessel: time, flow_in, flow_out, pressure_in, pressure_out.

        cycles: 0 for the file's own number; substeps: time steps between two output times.
        """
        if not self.empty:
            self.steady()
        c, count = self.circuit, (self.points - 1) * substeps
        dt = self.period_s / count
        for _ in range((cycles or self.cycles) - 1):
            for k in range(1, count + 1):
                self._drive(k * dt, dt)
                c.step(dt)
        if self.pressures:
            c.fixed[: len(self.pressures)] = self._pressures(0.0)
        p, q = [np.concatenate([c.P, c.fixed])], [c.Q.copy()]
        for k in range(1, count + 1):
            self._drive(k * dt, dt)
            c.step(dt)
            if k % substeps == 0:
                p.append(np.concatenate([c.P, c.fixed]))
                q.append(c.Q.copy())
        P, Q = np.array(p), np.array(q)
        time = np.linspace(0.0, self.period_s, self.points)
        return {name: {"time": time, "flow_in": Q[:, self.inlet[name]], "flow_out": Q[:, self.outlet[name]],
                       "pressure_in": P[:, self.inlet_node[name]],
                       "pressure_out": P[:, self.outlet_node[name]]} for name in self.inlet}
