"""Reads networks in the JSON format of svZeroDSolver, so that they are solved by the trainer's own code.

Known: BloodVessel (R-C-L) and BloodVesselCRL elements, with stenosis; normal, internal and BloodVessel junctions;
FLOW, PRESSURE, RESISTANCE, RCR, CORONARY and CORONARY_VAR_RES boundary conditions. Units stay those of the file (CGS).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainer.errors import FileError, nearest
from trainer.flow.circuit import Circuit
from trainer.flow.driven import Network, Series
from trainer.textfile import read_text

JUNCTIONS = ("NORMAL_JUNCTION", "internal_junction", "BloodVesselJunction")
STUB_SHARE = 1e-6
ELEMENTS = ("BloodVessel", "BloodVesselCRL")
CONDITIONS = ("FLOW", "PRESSURE", "RESISTANCE", "RCR", "CORONARY", "CORONARY_VAR_RES")


@dataclass
class _Build:
    """A network while it is read. Nodes are merged by union-find."""

    where: str
    root: list[int] = field(default_factory=list)
    edges: list[tuple[int, int, float, float, float]] = field(default_factory=list)
    compliance: list[tuple[int, float]] = field(default_factory=list)
    beds: list[tuple[int, float, float, float, float]] = field(default_factory=list)
    flows: list[Series] = field(default_factory=list)
    pressures: list[Series] = field(default_factory=list)
    squeezes: list[tuple[Series, float]] = field(default_factory=list)
    varying: list[tuple[int, Callable[[float], float]]] = field(default_factory=list)

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
    ends: dict[int | str, tuple[int, int]] = {}
    spans: dict[str, tuple[int, int, int, int]] = {}
    conditions = {b["bc_name"]: b for b in data["boundary_conditions"]}
    for vessel in data["vessels"]:
        i, j, first, last = _vessel(build, vessel)
        ends[int(vessel["vessel_id"])] = ends[str(vessel["vessel_name"])] = (i, j)
        spans[str(vessel["vessel_name"])] = (i, j, first, last)
    for junction in data.get("junctions") or ():
        _junction(build, junction, ends)
    for vessel in data["vessels"]:
        i, j = ends[int(vessel["vessel_id"])]
        for end, name in (vessel.get("boundary_conditions") or {}).items():
            _condition(build, conditions[name], i if end == "inlet" else j, end == "inlet")
    return _finish(build, spans, data["simulation_parameters"])


def _vessel(build: _Build, vessel: Mapping[str, Any]) -> tuple[int, int, int, int]:
    kind = vessel.get("zero_d_element_type", "BloodVessel")
    if kind not in ELEMENTS:
        raise FileError(f"element '{kind}' is not supported.", where=build.where, mend=nearest(kind, ELEMENTS))
    e = vessel["zero_d_element_values"]
    R, L, C, S = (float(e.get(k, 0.0)) for k in ("R_poiseuille", "L", "C", "stenosis_coefficient"))
    i, j, first = build.node(), build.node(), len(build.edges)
    if kind == "BloodVesselCRL":
        # its compliance lies at the inlet, whose pressure may be given: its flow is seen through a little resistance
        middle = build.node()
        build.edges += [(i, middle, STUB_SHARE * (R or 1.0), 0.0, 0.0), (middle, j, R, L, S)]
        build.compliance.append((middle, C))
    elif C != 0.0 and L != 0.0:
        middle = build.node()
        build.edges += [(i, middle, R, 0.0, S), (middle, j, 0.0, L, 0.0)]
        build.compliance.append((middle, C))
    else:
        build.edges.append((i, j, R, L, S))
        if C != 0.0:
            build.compliance.append((j, C))
    return i, j, first, len(build.edges) - 1


def _junction(build: _Build, junction: Mapping[str, Any], ends: Mapping[int | str, tuple[int, int]]) -> None:
    inlets = [ends[v][1] for v in junction.get("inlet_vessels") or junction["inlet_blocks"]]
    outlets = [ends[v][0] for v in junction.get("outlet_vessels") or junction["outlet_blocks"]]
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
    elif kind in ("CORONARY", "CORONARY_VAR_RES"):
        _coronary(build, v, node)
    else:
        raise FileError(f"boundary condition '{kind}' is not supported.", where=build.where,
                        mend=nearest(kind, CONDITIONS))


def _coronary(build: _Build, v: Mapping[str, Any], node: int) -> None:
    """Artery Ra1, its compliance Ca, small vessels Ra2, their compliance Cc inside the muscle at Pim, veins Rv1."""
    artery, small, vein = build.node(), build.node(), build.node()
    build.edge(node, artery, float(v["Ra1"]), 0.0, 0.0)
    build.edge(artery, small, float(v.get("Ra2", v.get("Ra2_min"))), 0.0, 0.0)
    if "Ra2_max" in v:
        build.varying.append((len(build.edges) - 1, _contracting(v)))
    build.edge(small, vein, float(v["Rv1"]), 0.0, 0.0)
    build.compliance += [(artery, float(v["Ca"])), (small, float(v["Cc"]))]
    t = np.array(v["t"], float)
    build.squeezes.append(((small, t, np.array(v["Pim"], float)), float(v["Cc"])))
    build.pressures.append((vein, t[:1], np.array([float(v["P_v"])])))


def _contracting(v: Mapping[str, Any]) -> Callable[[float], float]:
    """Resistance over a beat that contraction raises from its least to its most, relaxation brings back."""
    least, most = math.sqrt(float(v["Ra2_min"])), math.sqrt(float(v["Ra2_max"]))
    rise, fall = float(v["T_vc"]), float(v["T_vr"])

    def resistance(t: float) -> float:
        share = 0.0
        if t <= rise:
            share = 0.5 * (1.0 - math.cos(math.pi * t / rise))
        elif t <= rise + fall:
            share = 0.5 * (1.0 + math.cos(math.pi * (t - rise) / fall))
        return ((most - least) * share + least) ** 2

    return resistance


def _finish(build: _Build, spans: Mapping[str, tuple[int, int, int, int]],
            settings: Mapping[str, Any]) -> Network:
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
        int(settings["number_of_cardiac_cycles"]), {k: v[2] for k, v in spans.items()},
        {k: v[3] for k, v in spans.items()}, {k: at[v[0]] for k, v in spans.items()},
        {k: at[v[1]] for k, v in spans.items()},
        tuple((at[n], t, p) for n, t, p in build.pressures), tuple((at[n], t, q) for n, t, q in build.flows),
        tuple(((at[n], t, p), c) for (n, t, p), c in build.squeezes), tuple(build.varying),
        not settings.get("steady_initial", True))
