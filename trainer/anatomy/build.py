"""Builds the patient from its description and a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainer.anatomy.access import place_sheath
from trainer.anatomy.beds import BedList, check_ends, organ_beds, pack_beds
from trainer.anatomy.branches import Branch, named_branches, narrow, pack
from trainer.anatomy.couinaud import load_liver, segment_of
from trainer.anatomy.distal import SegmentFlow, grow_segments
from trainer.anatomy.faults import AnatomyFault, Where, nowhere
from trainer.anatomy.mesentery import grow_mesentery
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.template import Plan, make_plan
from trainer.anatomy.treespec import load_trees
from trainer.anatomy.tumors import PlacedTumor, place_tumor
from trainer.anatomy.types import Breathing, Heart, Patient
from trainer.anatomy.veins import drain, load_veins, shunt_of


def build_patient(spec: PatientSpec, seed: np.random.SeedSequence, where: Where = nowhere) -> Patient:
    """The patient of a description. The same spec and seed give the same arrays, bit for bit.

    where: turns keys below `patient:` into `file:line`, for messages.
    Raises AnatomyFault (an AnatomyError with `.keys`) when the description contradicts itself.
    """
    plan = make_plan(spec, where)
    branches = named_branches(list(plan.vessels.values()))
    stenoses = narrow(list(plan.vessels.values()), branches)
    check_ends(plan, branches)
    beds = BedList()
    organ_beds(plan, branches, beds)
    access = place_sheath(spec, plan, branches, where)
    # a fresh copy, since spawning from the caller's sequence would change it
    own = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    tumor_seed, tree_seed, mesentery_seed = own.spawn(3)
    placed = _tumors(spec, branches, beds, tumor_seed, where)
    balls = np.array([p.ball for p in placed]).reshape(-1, 4)
    grow_segments(_segment_flows(plan, branches, placed), branches, balls, load_trees(), beds, tree_seed)
    grow_mesentery(branches, beds, mesentery_seed)
    veins, kinds, _ = load_veins()
    b, h = spec.breathing, spec.heart
    return Patient(
        tree=pack(branches),
        beds=pack_beds(beds, drain(beds)),
        territories=tuple(beds.territories),
        veins=veins,
        vein_kind=kinds,
        tumors=tuple(p.tumor for p in placed),
        liver=load_liver(),
        breathing=Breathing(b.rate_per_min / 60.0, b.amplitude_mm, b.hold_drift_mm),
        heart=Heart(h.rate_bpm, h.systolic_mmHg, h.diastolic_mmHg, h.mean_mmHg),
        access=access,
        body={"size": spec.body.size, "clips": float(spec.body.clips)},
        ct=Path(spec.body.ct) if spec.body.ct else None,
        viscosity_mPa_s=spec.viscosity_mPa_s,
        stenoses=stenoses,
        shunts=tuple(
            shunt_of(t.shunt, p.tumor, [b.name for b in branches])
            for t, p in zip(spec.tumors, placed, strict=True)
            if t.shunt is not None
        ),
    )


def _tumors(
    spec: PatientSpec, branches: list[Branch], beds: BedList, seed: np.random.SeedSequence, where: Where
) -> list[PlacedTumor]:
    names: set[str] = set()
    out = []
    for i, (tumor, child) in enumerate(zip(spec.tumors, seed.spawn(len(spec.tumors)), strict=True)):
        if tumor.name in names:
            keys = ("tumors", i, "name")
            raise AnatomyFault(f"two tumors are called '{tumor.name}'.", where=where(keys), keys=keys)
        names.add(tumor.name)
        rng = np.random.default_rng(child)
        out.append(place_tumor(tumor, i, branches, beds, load_trees().tumor, rng, where))
    return out


def _segment_flows(plan: Plan, branches: list[Branch], placed: list[PlacedTumor]) -> list[SegmentFlow]:
    """Segmental arteries whose trees are generated, with the flow that tumors leave to the liver.

    Raises AnatomyFault when a segmental artery ends outside its segment.
    """
    out = []
    for i, branch in enumerate(branches):
        segment = plan.vessels[branch.name].values.get("tree") if branch.name in plan.vessels else None
        if segment is None:
            continue
        vessel = plan.vessels[branch.name]
        found = int(segment_of(load_liver(), branch.points[-1:])[0])
        if found != int(segment):
            place = f"in segment {found}" if found else "outside the liver"
            raise vessel.fault(
                "waypoints_mm",
                f"vessel '{branch.name}' ends {place}, not in segment {segment}.",
                "Move its last way-point into its own Couinaud segment.",
            )
        flow = vessel.values["flow_mL_min"] / 60.0
        stolen = sum(p.feeder_flow_mL_s for p in placed if p.parent == branch.name)
        out.append(SegmentFlow(segment, i, max(flow - stolen, load_trees().least_liver_share * flow)))
    return out
