"""Checks a case beyond its form: the anatomy holds together, names resolve, a device fits the feeder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from trainer.anatomy.build import build_patient
from trainer.anatomy.faults import AnatomyFault
from trainer.anatomy.types import Patient
from trainer.errors import AnatomyError, FileError, ScenarioError, nearest
from trainer.flow.fluids import load_pharmacy
from trainer.imaging.volume.bodyfile import read_body
from trainer.instruments.catalog import load_catalog
from trainer.instruments.coils import coil_file
from trainer.scenario.loading import CaseFile, load
from trainer.scenario.reach import check_reach
from trainer.scoring.measures import Target
from trainer.scoring.settings import levels
from trainer.scoring.topology import Topology
from trainer.textfile import Key

SEED = 1
"""Seed of the patient that a check builds."""


class Device(Protocol):
    """A catalog entry, as far as fitting goes."""

    @property
    def kind(self) -> str: ...
    @property
    def outer_diameter_mm(self) -> float: ...
    @property
    def inner_diameter_mm(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found in a sound case."""

    case: CaseFile
    vessels: int
    beds: int
    feeder_mm: float
    """Diameter of the feeder where it leaves its parent's wall."""
    fitting: tuple[str, ...]
    """Devices that reach into the feeder."""


@contextmanager
def located(case: CaseFile) -> Iterator[None]:
    """Gives faults of the anatomy the file and line of the case they were written in."""
    try:
        yield
    except AnatomyFault as fault:
        if fault.where or not fault.keys:
            raise
        raise AnatomyError(fault.what, where=case.patient_where(fault.keys), mend=fault.mend) from None


def target_of(case: CaseFile) -> Target:
    """The target as scoring needs it."""
    s = case.scenario
    return Target(s.target.feeder, s.target.segment, s.history.labs.egfr_mL_min, s.target.survey)


def check(path: Path) -> Report:
    """Checks a scenario file. Raises the first fault with file and line; writes nothing."""
    return check_case(load(path))


def check_case(case: CaseFile) -> Report:
    """The checks of `check` on a case that is already read."""
    check_names(case)
    check_body(case)
    with located(case):
        patient = build_patient(case.scenario.patient, np.random.SeedSequence(SEED).spawn(4)[0],
                                case.patient_where)  # fmt: skip
    check_target(case, patient)
    devices = load_catalog().devices
    chosen = {name: devices[name] for name in case.scenario.devices}
    topology = Topology(patient, case.scenario.target.feeder, levels().levels)
    fitting = check_fit(case, topology, chosen)
    check_reach(case, topology, chosen)
    return Report(case, patient.tree.count, int(patient.beds.vessel.size), entry_mm(topology), fitting)


def check_body(case: CaseFile) -> None:
    """The patient's own CT, if there is one, can be read."""
    ct = case.scenario.patient.body.ct
    if ct is None:
        return
    try:
        read_body(Path(ct))
    except FileError as error:
        where = case.patient_where(("body", "ct"))
        raise ScenarioError(f"the body file {Path(ct).name} {error.what}.", where=where, mend=error.mend) from None


def check_names(case: CaseFile) -> None:
    """Devices and fluids exist, and the plan and the approach use those on the table."""
    s = case.scenario
    catalog = load_catalog().devices
    _each_in(case, ("devices",), s.devices, catalog, "device")
    _each_in(case, ("fluids",), s.fluids, load_pharmacy().fluids, "fluid")
    _each_in(case, ("coils",), s.coils, coil_file().coils, "coil")
    for key, fluid in (("drug", s.plan.drug), ("embolic", s.plan.embolic)):
        if fluid is not None and fluid not in s.fluids:
            raise ScenarioError(f"the plan's {key} '{fluid}' is not among 'fluids'.",
                                where=case.where(("plan", key)), mend=nearest(fluid, s.fluids))  # fmt: skip
    for slot in ("catheter", "wire", "microcatheter", "microwire"):
        name = getattr(s.approach, slot)
        where = case.where(("approach", slot))
        if name not in s.devices:
            raise ScenarioError(f"the approach's {slot} '{name}' is not among 'devices'.", where=where,
                                mend=nearest(name, s.devices))  # fmt: skip
        if catalog[name].kind != slot:
            raise ScenarioError(f"'{name}' is a {catalog[name].kind}, not a {slot}.", where=where)


def _each_in(
    case: CaseFile, keys: tuple[Key, ...], names: Sequence[str], known: Mapping[str, Any], what: str
) -> None:
    for i, name in enumerate(names):
        if name not in known:
            raise ScenarioError(f"there is no {what} '{name}'.", where=case.where((*keys, i)),
                                mend=nearest(name, known))  # fmt: skip


def check_target(case: CaseFile, patient: Patient) -> None:
    """Tumor, feeder, segment, trunk and survey vessels exist and belong together."""
    target = case.scenario.target
    tumors = {t.name: t for t in patient.tumors}
    if target.tumor not in tumors:
        raise ScenarioError(f"the patient has no tumor '{target.tumor}'.",
                            where=case.where(("target", "tumor")),
                            mend=nearest(target.tumor, tumors))  # fmt: skip
    tumor = tumors[target.tumor]
    if target.segment != tumor.segment:
        raise ScenarioError(f"'{tumor.name}' lies in segment {tumor.segment}, not {target.segment}.",
                            where=case.where(("target", "segment")))  # fmt: skip
    if target.feeder != tumor.feeder:
        raise ScenarioError(f"'{target.feeder}' does not feed '{tumor.name}'.",
                            where=case.where(("target", "feeder")),
                            mend=f"Its feeder is '{tumor.feeder}'.")  # fmt: skip
    names = [(("target", "survey", i), n) for i, n in enumerate(target.survey)]
    for keys, name in [*names, (("approach", "trunk"), case.scenario.approach.trunk)]:
        if name not in patient.tree.names:
            raise ScenarioError(f"there is no vessel '{name}'.", where=case.where(keys),
                                mend=nearest(name, _named(patient)))  # fmt: skip


def _named(patient: Patient) -> list[str]:
    return [n for n, g in zip(patient.tree.names, patient.tree.generated) if not g]


def entry_mm(topology: Topology) -> float:
    """Diameter of the feeder where it leaves the wall of its parent, mm."""
    tree, v = topology.patient.tree, topology.feeder
    wall = float(tree.radius[int(tree.attach[v])])
    return 2.0 * _radius_at(topology, v, min(wall, float(topology.arcs[v][-1])))


def _radius_at(topology: Topology, v: int, at_mm: float) -> float:
    tree = topology.patient.tree
    return float(np.interp(at_mm, topology.arcs[v], tree.radius[tree.first[v] : tree.first[v + 1]]))


def narrowest_mm(topology: Topology) -> tuple[float, str]:
    """Smallest diameter on the way from the trunk to just inside the feeder, mm, and the vessel it is in."""
    tree, route = topology.patient.tree, topology.patient.tree.path(topology.feeder)
    route = route[route.index(topology.trunk) :]
    found = [(entry_mm(topology), tree.names[topology.feeder])]
    for v, child in pairwise(route):
        first, last = int(tree.first[v]), int(tree.attach[child]) + 1
        found.append((2.0 * float(tree.radius[first:last].min()), tree.names[v]))
    return min(found)


def check_fit(case: CaseFile, topology: Topology, devices: Mapping[str, Device]) -> tuple[str, ...]:
    """Devices on the table that reach into the feeder. Raises ScenarioError when there is none."""
    width, vessel = narrowest_mm(topology)
    hollow = {n: d for n, d in devices.items() if d.kind in ("catheter", "microcatheter")}
    fitting = tuple(n for n, d in hollow.items() if d.outer_diameter_mm <= width and _carried(d, devices))
    if fitting:
        return fitting
    feeder = case.scenario.target.feeder
    have = "there is no catheter on the table"
    if hollow:
        least = min(hollow, key=lambda name: hollow[name].outer_diameter_mm)
        have = f"the narrowest on the table, '{least}', measures {hollow[least].outer_diameter_mm:.2f} mm"
    keys: tuple[Key, ...] = ("devices",)
    for i in range(len(case.scenario.patient.tumors)):
        if case.has(("patient", "tumors", i, "feeder", "diameter_mm")):
            keys = ("patient", "tumors", i, "feeder", "diameter_mm")
    raise ScenarioError(f"no device fits the feeder '{feeder}': the way is {width:.2f} mm wide in "
                        f"'{vessel}', and {have}.", where=case.where(keys),
                        mend="Widen the vessel, or put a narrower microcatheter on the table.")  # fmt: skip


def _carried(device: Device, devices: Mapping[str, Device]) -> bool:
    """Whether a microcatheter has a catheter on the table that it passes through."""
    if device.kind == "catheter":
        return True
    return any(d.kind == "catheter" and d.inner_diameter_mm > device.outer_diameter_mm
               for d in devices.values())  # fmt: skip
