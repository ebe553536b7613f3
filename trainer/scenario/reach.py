"""Whether what lies on the table is long enough: from its hub outside the sheath to the trunk and the feeder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from trainer.commands import SLOTS
from trainer.errors import ScenarioError
from trainer.instruments.catalog import DeviceSpec
from trainer.scenario.loading import CaseFile
from trainer.scoring.topology import Topology
from trainer.textfile import Key

HUB_MM = 30.0
"""Length of a device that stays in the hand, outside the hub around it: connector, valve, fingers (unverified)."""
SEAT_MM = 15.0
"""How far past the wall of its parent a base catheter sits in the trunk (unverified)."""
LEAD_MM = 50.0
"""How far a wire goes ahead of the catheter over it (unverified)."""


@dataclass(frozen=True, slots=True)
class Way:
    """Lengths along the vessels' middle from the mouth of the sheath, mm."""

    sheath_mm: float
    trunk_mm: float
    """Where the tip of a seated base catheter lies."""
    feeder_mm: float
    """Just inside the feeder."""


def way_of(topology: Topology) -> Way:
    """The way in of a patient."""
    access = topology.patient.access
    start = topology.patient.tree.index(access.vessel)
    from_mm = topology.place(start, access.mouth, 0.0)

    def to(v: int, deep_mm: float) -> float:
        tree = topology.patient.tree
        at = float(tree.radius[int(tree.attach[v])]) + deep_mm
        return topology.distance(start, from_mm, v, min(at, float(topology.arcs[v][-1])))

    trunk_mm = to(topology.trunk, SEAT_MM)
    return Way(access.sheath_mm, trunk_mm, max(trunk_mm, to(topology.feeder, 1.0)))


def needed_mm(slot: str, way: Way, catheter_mm: float, microcatheter_mm: float) -> float:
    """Shortest length of the device in a slot, mm, given those that it goes through."""
    if slot == "catheter":
        return HUB_MM + way.sheath_mm + way.trunk_mm
    if slot == "wire":
        return HUB_MM + catheter_mm + LEAD_MM
    if slot == "microcatheter":
        return HUB_MM + catheter_mm + way.feeder_mm - way.trunk_mm
    return HUB_MM + microcatheter_mm + LEAD_MM


@dataclass(frozen=True, slots=True)
class Short:
    """A device that does not reach, and what it would need."""

    slot: str
    name: str
    needed_mm: float
    through: str
    """Device that it goes through; '' for the sheath."""


def too_short(way: Way, chosen: Mapping[str, tuple[str, DeviceSpec]]) -> Short | None:
    """The first device of a coaxial set (one per slot) that does not reach, or None."""
    catheter, micro = chosen["catheter"], chosen["microcatheter"]
    for slot in SLOTS:
        name, device = chosen[slot]
        need = needed_mm(slot, way, catheter[1].length_mm, micro[1].length_mm)
        if device.length_mm < need:
            through = {"catheter": "", "microwire": micro[0]}.get(slot, catheter[0])
            return Short(slot, name, need, through)
    return None


def check_reach(case: CaseFile, topology: Topology, devices: Mapping[str, DeviceSpec]) -> None:
    """Refuses a case whose table, or whose approach, is too short for its access. Raises ScenarioError."""
    way = way_of(topology)
    if not any(too_short(way, chosen) is None for chosen in _sets(devices)):
        _refuse_table(case, topology, way, devices)
    approach = {slot: (name := getattr(case.scenario.approach, slot), devices[name]) for slot in SLOTS}
    short = too_short(way, approach)
    if short is not None:
        keys: tuple[Key, ...] = ("approach", short.slot)
        fits = [n for n, d in devices.items() if d.kind == short.slot and d.length_mm >= short.needed_mm]
        mend = f"Long enough on the table: {', '.join(fits)}." if fits else "Choose another device to go through."
        raise ScenarioError(
            f"the approach's {short.slot} '{short.name}' is too short{_route(case, short)}: "
            f"{_cm(short.needed_mm)} are needed{_why(topology, way, short)}, it measures "
            f"{_cm(devices[short.name].length_mm)}.",
            where=case.where(keys), mend=mend)  # fmt: skip


def _sets(devices: Mapping[str, DeviceSpec]) -> Iterator[dict[str, tuple[str, DeviceSpec]]]:
    """Every coaxial set that the table offers and that passes through itself."""
    by_slot = [[(n, d) for n, d in devices.items() if d.kind == slot] for slot in SLOTS]
    for chosen in product(*by_slot):
        (_, catheter), (_, wire), (_, micro), (_, microwire) = chosen
        if wire.passes(catheter) and micro.passes(catheter) and microwire.passes(micro):
            yield dict(zip(SLOTS, chosen, strict=True))


def _refuse_table(
    case: CaseFile, topology: Topology, way: Way, devices: Mapping[str, DeviceSpec]
) -> None:
    """Names the slot in which even the best set falls short. A table without a whole set is not for this check."""
    tried = [(SLOTS.index(short.slot), -short.needed_mm, short)
             for chosen in _sets(devices) if (short := too_short(way, chosen)) is not None]  # fmt: skip
    if not tried:
        return
    short = max(tried, key=lambda entry: entry[:2])[2]
    have = ", ".join(f"'{n}' {_cm(d.length_mm)}" for n, d in _longest_first(devices, short.slot))
    raise ScenarioError(
        f"no {short.slot} on the table is long enough{_route(case, short)}: {_cm(short.needed_mm)} are needed"
        f"{_why(topology, way, short)}; on the table: {have}.",
        where=case.where(("devices",)),
        mend=f"Put a {short.slot} of {_cm(short.needed_mm)} or more on the table, or choose another access.",
    )


def _longest_first(devices: Mapping[str, DeviceSpec], kind: str) -> Sequence[tuple[str, DeviceSpec]]:
    return sorted(((n, d) for n, d in devices.items() if d.kind == kind), key=lambda e: -e[1].length_mm)


def _route(case: CaseFile, short: Short) -> str:
    return f" from access '{case.scenario.patient.access}'" + (f" through '{short.through}'" if short.through else "")


def _why(topology: Topology, way: Way, short: Short) -> str:
    names = topology.patient.tree.names
    if short.slot == "catheter":
        return (f" (sheath {_cm(way.sheath_mm)}, vessels to {names[topology.trunk]} {_cm(way.trunk_mm)}, "
                f"{_cm(HUB_MM)} in the hand)")  # fmt: skip
    if short.slot == "microcatheter":
        return f" ({names[topology.feeder]} lies {_cm(way.feeder_mm - way.trunk_mm)} beyond its tip)"
    return f" ({_cm(LEAD_MM)} ahead of its tip)"


def _cm(mm: float) -> str:
    return f"{0.1 * mm:.0f} cm"
