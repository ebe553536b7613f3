"""What every angiographer knows of the picture: what lies over what, what stays and what fades, what a leak does."""

from dataclasses import replace

import numpy as np
import pytest
from flow_patient import DT, Y, device_at, new_flow, patient_of, shipped

from trainer.flow.types import Floats
from trainer.imaging.geometry import Geometry
from trainer.instruments.types import Injury


def seen(points: Floats, lao_deg: float, cra_deg: float = 0.0) -> Floats:
    """Points as they lie in the picture, mm at the isocenter."""
    view = Geometry(primary=np.radians(lao_deg), secondary=np.radians(cra_deg), isocenter=(-60.0, -20.0, 0.0))
    return np.asarray(view.project(points)) * view.pixel_iso_mm


def course(name: str) -> Floats:
    tree = shipped()[0].tree
    v = tree.index(name)
    return tree.points[tree.first[v] : tree.first[v + 1]]


def family(name: str) -> Floats:
    """All points of an artery and its branches."""
    tree = shipped()[0].tree
    v = tree.index(name)
    return np.concatenate([course(tree.names[i]) for i in range(tree.count) if v in tree.path(i)])


def covered(one: str, other: str, lao_deg: float) -> float:
    """Share of one artery's branches that lie within 4 mm of the other's in the picture."""
    a, b = seen(family(one), lao_deg), seen(family(other), lao_deg)
    return float((np.linalg.norm(a[:, None] - b[None], axis=2).min(axis=1) < 4.0).mean())


@pytest.mark.parametrize("name", ["celiac_trunk", "superior_mesenteric_artery"])
def test_a_trunk_lies_over_the_aorta_in_ap_and_stands_out_from_it_in_lateral(name: str) -> None:
    aorta = course("aorta_abdominal")
    tree = shipped()[0].tree
    radius = float(np.median(tree.radius[tree.first[tree.index("aorta_abdominal")] :][: len(aorta)]))
    trunk = course(name)
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(trunk, axis=0), axis=1))]
    at = np.array([[np.interp(16.0, along, trunk[:, k]) for k in range(3)]])
    out = []
    for lao in (0.0, 90.0):
        line, point = seen(aorta, lao), seen(at, lao)[0]
        out.append(abs(point[0] - np.interp(point[1], line[:, 1], line[:, 0])))
    assert out[0] < radius  # its origin is hidden in the aorta's shadow
    assert out[1] > out[0] + 2.0
    assert out[1] > 0.9 * radius


@pytest.mark.parametrize(("anterior", "posterior"), [("segment_5_artery", "segment_6_artery"),
                                                     ("segment_8_artery", "segment_7_artery")])
def test_anterior_and_posterior_branches_overlap_in_ap_and_open_in_obliques(anterior: str, posterior: str) -> None:
    frontal = covered(anterior, posterior, 0.0)
    assert frontal > 0.7
    assert covered(anterior, posterior, 50.0) < 0.7 * frontal
    assert covered(anterior, posterior, 90.0) < 0.1


@pytest.mark.parametrize(("fluid", "least", "most"), [("oil_doxorubicin_emulsion", 0.8, 1.0),
                                                      ("contrast_300", 0.0, 0.02)])
def test_oil_stays_visible_in_the_tumor_and_contrast_fades(fluid: str, least: float, most: float) -> None:
    """Iodine in the tumor's beds a minute after its peak, as a share of the peak: what native fluoroscopy shows."""
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    flow.inject_at("tumor_feeder", 0.2, 1.0, fluid, position_mm=12.0)
    tumor = [k for k, t in enumerate(patient.beds.territory.tolist()) if patient.territories[t].organ == "tumor"]
    seconds = 90.0
    iodine = [float(flow.step(2.0 * DT).bed_iodine_mg[tumor].sum()) for _ in range(round(seconds / (2.0 * DT)))]
    assert max(iodine) > 5.0
    assert least <= iodine[-1] / max(iodine) <= most


def test_a_leak_stays_after_its_artery_has_washed_out() -> None:
    patient = patient_of(Y, {"left": 2.0, "right": 1.0})
    flow = new_flow(patient)
    hole = replace(device_at(patient, "trunk", 5.0), injuries=(
        Injury("perforation", patient.tree.index("left"), 30.0, 0.0, 1.0),))
    flow.step(DT, hole)
    flow.inject_at("left", 1.0, 2.0, "contrast_300", 10.0)
    states = [flow.step(DT, hole) for _ in range(round(40.0 / DT))]
    leaked = np.array([s.extravasated_iodine_mg[0] for s in states])
    v = patient.tree.index("left")
    inside = np.array([s.iodine_mg_mL[flow.cells.vessel == v].max() for s in states])
    assert leaked.max() > 1.0
    assert (np.diff(leaked) >= 0.0).all()
    assert inside[-1] < 0.01 * inside.max()


def test_a_flap_slows_the_flow_beyond_it() -> None:
    patient = patient_of(Y, {"left": 2.0, "right": 1.0})
    flow, still = new_flow(patient), device_at(patient, "trunk", 5.0)
    v = patient.tree.index("right")
    first = flow.topology.first_cell[v]
    for _ in range(60):
        flow.step(DT, still)
    rest = float(flow.network.circuit.Q[first])
    torn = replace(still, injuries=(Injury("dissection", v, 15.0, 20.0, 0.25),))
    for _ in range(120):
        flow.step(DT, torn)
    assert 0.1 * rest < float(flow.network.circuit.Q[first]) < 0.9 * rest
