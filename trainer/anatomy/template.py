"""Anatomy templates: reading them, laying variants and a patient's changes over them, ordering vessels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from trainer.anatomy.faults import AnatomyFault, Keys, Where, nowhere
from trainer.anatomy.spec import AccessSpec, PatientSpec, TemplateSpec, TerritorySpec, VesselSpec
from trainer.errors import at_line, nearest
from trainer.resources import resource
from trainer.textfile import line_of, read_model

LEVEL = "level"


@dataclass(slots=True)
class VesselPlan:
    """A vessel with every change laid over it, and where each of its keys was written."""

    name: str
    values: dict[str, Any]
    places: dict[str, tuple[str, Keys]] = field(default_factory=dict)

    def place(self, key: str) -> tuple[str, Keys]:
        """`file:line` and keys of a key; of the vessel itself where the key was not given."""
        return self.places.get(key) or self.places.get("", ("", ()))

    def fault(self, key: str, what: str, mend: str = "") -> AnatomyFault:
        where, keys = self.place(key)
        return AnatomyFault(what, where=where, mend=mend, keys=keys)


@dataclass(slots=True)
class Plan:
    """All that a patient's named vessels are built from. Parents come before children."""

    vessels: dict[str, VesselPlan]
    territories: dict[str, TerritorySpec]
    access: dict[str, AccessSpec]


def names() -> list[str]:
    """Names of the shipped anatomy templates."""
    return sorted(p.stem for p in resource("assets", "anatomy").glob("michels_*.yaml"))


def make_plan(spec: PatientSpec, where: Where = nowhere) -> Plan:
    """The patient's vessels: template, its variant, then the patient's own changes.

    Raises AnatomyFault when they contradict each other.
    """
    if spec.anatomy not in names():
        raise AnatomyFault(
            f"there is no anatomy '{spec.anatomy}'.",
            where=where(("anatomy",)),
            keys=("anatomy",),
            mend=nearest(spec.anatomy, names()),
        )
    plan = Plan({}, {}, {})
    for template, path, node in _chain(spec.anatomy):
        _lay(plan.vessels, template.vessels, _file_where(path, node))
        plan.territories.update(template.territories)
        plan.access.update(template.access)
    _choose_courses(plan.vessels, spec, where)
    _lay(plan.vessels, spec.vessels, where, own_keys=True)
    plan.territories.update(spec.territories)
    plan.vessels = _in_order(plan.vessels)
    for vessel in plan.vessels.values():
        _check(vessel, plan)
    return plan


@cache
def _chain(name: str) -> tuple[tuple[TemplateSpec, Path, Any], ...]:
    """The template and those it starts from, the base first."""
    path = resource("assets", "anatomy", f"{name}.yaml")
    template, node = read_model(TemplateSpec, path)
    base = _chain(template.from_) if template.from_ else ()
    return (*base, (template, path, node))


def _file_where(path: Path, node: Any) -> Where:
    return lambda keys: at_line(path, line_of(node, keys))


def _lay(
    vessels: dict[str, VesselPlan], changes: Mapping[str, VesselSpec], where: Where, own_keys: bool = False
) -> None:
    """Lays changes over vessels, key by key, in place."""
    for name, change in changes.items():
        keys: Keys = ("vessels", name)
        if change.remove:
            if name not in vessels:
                raise AnatomyFault(
                    f"vessel '{name}' cannot be removed: there is none.",
                    where=where(keys),
                    keys=keys if own_keys else (),
                    mend=nearest(name, vessels),
                )
            del vessels[name]
            continue
        plan = vessels.setdefault(name, VesselPlan(name, {}))
        plan.places[""] = (where(keys), keys if own_keys else ())
        for key in change.model_fields_set:
            plan.values[key] = getattr(change, key)
            plan.places[key] = (where((*keys, key)), (*keys, key) if own_keys else ())


def _choose_courses(vessels: dict[str, VesselPlan], spec: PatientSpec, where: Where) -> None:
    chosen: list[tuple[str, str, Keys]] = [(v, c, ("courses", v)) for v, c in spec.courses.items()]
    if spec.celiac_course != LEVEL:
        chosen.append(("celiac_trunk", spec.celiac_course, ("celiac_course",)))
    if "cystic_artery" in vessels and spec.cystic_origin != vessels["cystic_artery"].values.get("parent"):
        chosen.append(("cystic_artery", spec.cystic_origin, ("cystic_origin",)))
    for name, course, keys in chosen:
        if name not in vessels:
            raise AnatomyFault(
                f"there is no vessel '{name}'.", where=where(keys), keys=keys, mend=nearest(name, vessels)
            )
        plan = vessels[name]
        offered = plan.values.get("courses", {})
        if course not in offered:
            raise AnatomyFault(
                f"vessel '{name}' has no course '{course}'.",
                where=where(keys),
                keys=keys,
                mend=nearest(
                    course, [*offered, "level" if name == "celiac_trunk" else plan.values["parent"]]
                ),
            )
        plan.values["waypoints_mm"] = offered[course].waypoints_mm
        if offered[course].parent:
            plan.values["parent"] = offered[course].parent


def _in_order(vessels: dict[str, VesselPlan]) -> dict[str, VesselPlan]:
    """Parents before children. Raises AnatomyFault for a missing parent, a loop, no root or two."""
    done: dict[str, VesselPlan] = {}
    roots = [v for v in vessels.values() if v.values.get("parent") is None]
    if len(roots) != 1:
        found = roots[-1] if roots else next(iter(vessels.values()))
        raise found.fault(
            "parent",
            f"vessel '{found.name}' has no parent, but only the root may have none."
            if roots
            else "no vessel is the root.",
            "Name the vessel it leaves under 'parent'.",
        )
    waiting = dict(vessels)
    while waiting:
        ready = [v for v in waiting.values() if v.values.get("parent") is None or v.values["parent"] in done]
        for vessel in ready:
            done[vessel.name] = waiting.pop(vessel.name)
        if not ready:
            _no_parent(waiting, vessels)
    return done


def _no_parent(waiting: dict[str, VesselPlan], vessels: dict[str, VesselPlan]) -> None:
    for vessel in waiting.values():
        parent = vessel.values["parent"]
        if parent not in vessels:
            raise vessel.fault(
                "parent",
                f"vessel '{vessel.name}' leaves '{parent}', which does not exist.",
                nearest(parent, vessels),
            )
    first = next(iter(waiting.values()))
    loop = [first.name]
    while (step := vessels[loop[-1]].values["parent"]) not in loop:
        loop.append(step)
    loop = loop[loop.index(step) :]
    raise vessels[loop[0]].fault(
        "parent",
        f"vessels form a loop: {' -> '.join([*loop, loop[0]])}.",
        "Each vessel must lead back to the aorta.",
    )


def _check(vessel: VesselPlan, plan: Plan) -> None:
    values = vessel.values
    for key in ("diameter_mm", "waypoints_mm"):
        if values.get(key) is None:
            raise vessel.fault(key, f"vessel '{vessel.name}' has no '{key}'.", "A new vessel needs it.")
    ends = not any(v.values.get("parent") == vessel.name for v in plan.vessels.values())
    territory = values.get("territory")
    if territory is not None and territory not in plan.territories:
        raise vessel.fault(
            "territory",
            f"vessel '{vessel.name}' feeds '{territory}', which is no territory.",
            nearest(territory, plan.territories),
        )
    _check_join(vessel, plan)
    if ends and territory is None and values.get("tree") is None and values.get("joins") is None:
        raise vessel.fault(
            "territory",
            f"vessel '{vessel.name}' ends without a territory.",
            "Name one under 'territory', let another vessel leave its end, or let it join one ('joins').",
        )
    if (territory or values.get("tree")) and values.get("flow_mL_min") is None:
        raise vessel.fault(
            "flow_mL_min",
            f"vessel '{vessel.name}' feeds tissue but has no 'flow_mL_min'.",
            "Give its mean flow at rest.",
        )


def _check_join(vessel: VesselPlan, plan: Plan) -> None:
    other = vessel.values.get("joins")
    if other is None:
        return
    if other not in plan.vessels or other == vessel.name:
        raise vessel.fault("joins", f"vessel '{vessel.name}' joins '{other}', which is no other vessel.",
                           nearest(other, [v for v in plan.vessels if v != vessel.name]))
    if vessel.values.get("tree") is not None:
        raise vessel.fault("joins", f"vessel '{vessel.name}' ends in a generated tree and in '{other}'.",
                           "Remove 'joins' or 'tree'.")
