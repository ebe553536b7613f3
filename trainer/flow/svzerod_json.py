"""Reads networks in the JSON format of svZeroDSolver, so that they are solved by the trainer's own code.

Known: BloodVessel elements (R-C-L with stenosis), normal, internal and BloodVessel junctions; FLOW, PRESSURE,
RESISTANCE and RCR boundary conditions. Units stay those of the file (CGS).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainer.errors import FileError, nearest
from trainer.flow.circuit import Circuit, solve_network
from trainer.flow.types import Floats
from trainer.textfile import read_text

JUNCTIONS = ("NORMAL_JUNCTION", "internal_junction", "BloodVesselJunction")
SUBSTEPS = 20
"""Time steps between two output times; keeps the first-order error below 0.1 % at 200 points a cycle."""


@dataclass
class _Build:
    """A network while it is read. Nodes are merged by union-find."""

    where: str
    root: list[int] = field(default_factory=list)
    edges: list[tuple[int, int, float, float, float]] = field(default_factory=list)
    compliance: list[tuple[int, float]] = field(default_factory=list)
    beds: list[tuple[int, float, float, float, float]] = field(default_factory=list)
    flows: list[tuple[int, Floats, Floats]] = field(default_factory=list)
    pressures: list[tuple[int, Floats, Floats]] = field(default_factory=list)

    def node(self) -> int:
        self.root.append(len(self.root))
        return len(self.root) - 1

    def find(self, i: int) -> int:
        while self.root[i] != i:
            i = self.root[i]
        return i

    def edge(self, i: int, j: int, R: float, L: float, S: float) -> None:
        """A tube between two nodes; one without any resistance joins them."""
        if R == 0.0 and L == 0.0 and S == 0.0:
            self.root[self.find(i)] = self.find(j)
        else:
            self.edges.append((i, j, R, L, S))


@dataclass(frozen=True, slots=True)
class Network:
    """A network read from a file, ready to run."""

    circuit: Circuit
    period_s: float
    points: int
    cycles: int
    inlet: Mapping[str, int]
    """Edge at the inlet of each vessel."""
    outlet: Mapping[str, int]
    inlet_node: Mapping[str, int]
    outlet_node: Mapping[str, int]
    flows: tuple[tuple[int, Floats, Floats], ...]
    pressures: tuple[tuple[int, Floats, Floats], ...]

    def drive(self, t: Floats) -> tuple[Floats, Floats]:
        """Given pressures (T, m) and inflows (T, S) at times t (T,), periodic."""
        x = t % self.period_s
        P = np.stack([np.interp(x, a, y) for _, a, y in self.pressures] or [np.zeros(len(t))], axis=1)
        Q = np.stack([np.interp(x, a, y) for _, a, y in self.flows] or [np.zeros(len(t))], axis=1)
        return P[:, : len(self.pressures)], Q[:, : len(self.flows)]

    def run(self, cycles: int = 0, substeps: int = SUBSTEPS) -> dict[str, dict[str, Floats]]:
        """Time series of the last cycle by vessel: time, flow_in, flow_out, pressure_in, pressure_out.

        cycles: 0 for the file's own number; substeps: time steps between two output times.
        """
        grid = np.linspace(0.0, self.period_s, (self.points - 1) * substeps + 1)
        mean_P, mean_Q = self.drive(grid[:-1])
        node = np.array([n for n, _, _ in self.flows], np.int64)
        c = self.circuit
        c.fixed[:] = mean_P.mean(axis=0)
        c.source[:] = 0.0
        np.add.at(c.source, node, mean_Q.mean(axis=0))
        c.steady()
        dt = float(grid[1])
        P, Q = self.drive(grid[1:])
        for _ in range((cycles or self.cycles) - 1):
            solve_network(c, dt, P, Q, node)
        first = (c.P.copy(), c.Q.copy())
        p, q = solve_network(c, dt, P, Q, node)
        p, q = np.vstack([first[0], p])[::substeps], np.vstack([first[1], q])[::substeps]
        given = self.drive(grid[::substeps])[0]
        p = np.hstack([p, given])
        return {name: {"time": grid[::substeps], "flow_in": q[:, self.inlet[name]],
                       "flow_out": q[:, self.outlet[name]], "pressure_in": p[:, self.inlet_node[name]],
                       "pressure_out": p[:, self.outlet_node[name]]} for name in self.inlet}


def read_svzerod(path: Path) -> Network:
    """A network of an svZeroDSolver JSON file. Raises FileError for what is not supported."""
    try:
        data = json.loads(read_text(path))
        return _network(data, str(path))
    except json.JSONDecodeError as error:
        raise FileError(f"is not valid JSON: {error.msg}", where=f"{path}:{error.lineno}") from None
    except (KeyError, IndexError, TypeError) as error:
        raise FileError(f"is no svZeroDSolver network ({error!r})", where=str(path)) from None


def _network(data: Mapping[str, Any], where: str) -> Network:
    build = _Build(where)
    ends: dict[int, tuple[int, int]] = {}
    spans: dict[str, tuple[int, int, int, int]] = {}
    conditions = {b["bc_name"]: b for b in data["boundary_conditions"]}
    for vessel in data["vessels"]:
        i, j, first, last = _vessel(build, vessel)
        ends[int(vessel["vessel_id"])] = (i, j)
        spans[str(vessel["vessel_name"])] = (i, j, first, last)
    for junction in data.get("junctions") or ():
        _junction(build, junction, ends)
    for vessel in data["vessels"]:
        i, j = ends[int(vessel["vessel_id"])]
        for end, name in (vessel.get("boundary_conditions") or {}).items():
            _condition(build, conditions[name], i if end == "inlet" else j, end == "inlet")
    return _finish(build, spans, data["simulation_parameters"], conditions)


def _vessel(build: _Build, vessel: Mapping[str, Any]) -> tuple[int, int, int, int]:
    kind = vessel.get("zero_d_element_type", "BloodVessel")
    if kind != "BloodVessel":
        raise FileError(f"element '{kind}' is not supported.", where=build.where,
                        mend=nearest(kind, ["BloodVessel"]))
    e = vessel["zero_d_element_values"]
    R, L, C, S = (float(e.get(k, 0.0)) for k in ("R_poiseuille", "L", "C", "stenosis_coefficient"))
    i, j, first = build.node(), build.node(), len(build.edges)
    if C != 0.0 and L != 0.0:
        middle = build.node()
        build.edges += [(i, middle, R, 0.0, S), (middle, j, 0.0, L, 0.0)]
        build.compliance.append((middle, C))
    else:
        build.edges.append((i, j, R, L, S))
        if C != 0.0:
            build.compliance.append((j, C))
    return i, j, first, len(build.edges) - 1


def _junction(build: _Build, junction: Mapping[str, Any], ends: Mapping[int, tuple[int, int]]) -> None:
    inlets = [ends[v][1] for v in junction["inlet_vessels"]]
    outlets = [ends[v][0] for v in junction["outlet_vessels"]]
    kind = junction["junction_type"]
    for i in inlets[1:]:
        build.edge(i, inlets[0], 0.0, 0.0, 0.0)
    values = junction.get("junction_values", {})
    for k, j in enumerate(outlets):
        if kind in ("NORMAL_JUNCTION", "internal_junction"):
            build.edge(j, inlets[0], 0.0, 0.0, 0.0)
        elif kind == "BloodVesselJunction":
            R, L, S = (float(values.get(x, [0.0] * len(outlets))[k])
                       for x in ("R_poiseuille", "L", "stenosis_coefficient"))
            build.edge(inlets[0], j, R, L, S)
        else:
            raise FileError(f"junction '{kind}' is not supported.", where=build.where,
                            mend=nearest(kind, JUNCTIONS))


def _condition(build: _Build, condition: Mapping[str, Any], node: int, inlet: bool) -> None:
    kind, v = condition["bc_type"], condition["bc_values"]
    if kind == "RCR":
        build.beds.append((node, float(v["Rp"]), float(v["C"]), float(v["Rd"]), float(v.get("Pd", 0.0))))
    elif kind == "RESISTANCE":
        build.beds.append((node, 0.0, 0.0, float(np.mean(v["R"])), float(np.mean(v.get("Pd", 0.0)))))
    elif kind == "FLOW":
        sign = 1.0 if inlet else -1.0
        build.flows.append((node, np.array(v["t"], float), sign * np.array(v["Q"], float)))
    elif kind == "PRESSURE":
        build.pressures.append((node, np.array(v["t"], float), np.array(v["P"], float)))
    else:
        raise FileError(f"boundary condition '{kind}' is not supported.", where=build.where,
                        mend=nearest(kind, ["RCR", "RESISTANCE", "FLOW", "PRESSURE"]))


def _finish(build: _Build, spans: Mapping[str, tuple[int, int, int, int]], settings: Mapping[str, Any],
            conditions: Mapping[str, Any]) -> Network:
    roots = sorted({build.find(i) for i in range(len(build.root))})
    given = {build.find(n): k for k, (n, _, _) in enumerate(build.pressures)}
    free = [r for r in roots if r not in given]
    number = {r: i for i, r in enumerate(free)} | {r: len(free) + k for r, k in given.items()}
    at = [number[build.find(i)] for i in range(len(build.root))]
    e = np.array([(at[i], at[j], R, L, S) for i, j, R, L, S in build.edges])
    C = np.zeros(len(free))
    for n, c in build.compliance:
        if at[n] < len(free):
            C[at[n]] += c
    beds = np.array([(at[n], *rest) for n, *rest in build.beds]).reshape(-1, 5)
    R, L, S = e[:, 2:].T.copy()
    R1, bed_C, R2, venous = beds[:, 1:].T.copy()
    circuit = Circuit(len(free), e[:, 0].astype(np.int64), e[:, 1].astype(np.int64), R, L, S, C,
                      beds[:, 0].astype(np.int64), R1, bed_C, R2, venous, np.zeros(len(given)))
    times = [float(t[-1]) for _, t, _ in build.flows + build.pressures if t.ndim and len(t) > 1]
    period = float(settings.get("cardiac_period") or max(times, default=1.0))
    return Network(
        circuit, period, int(settings["number_of_time_pts_per_cardiac_cycle"]),
        int(settings["number_of_cardiac_cycles"]), {k: s[2] for k, s in spans.items()},
        {k: s[3] for k, s in spans.items()}, {k: at[s[0]] for k, s in spans.items()},
        {k: at[s[1]] for k, s in spans.items()}, tuple((at[n], t, q) for n, t, q in build.flows),
        tuple(build.pressures))
