"""Mass of every species is kept, whatever is done."""

from dataclasses import replace

import numpy as np
from flow_patient import DT, device_at, new_flow, patient_of, shipped
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.anatomy.types import Patient, Shunt, Stenosis
from trainer.flow.flow import Flow
from trainer.instruments.types import Injury, Shapes

FLUIDS = ("contrast_300", "saline", "doxorubicin_solution", "deb_100_300", "deb_300_500", "particles_300_500",
          "oil_doxorubicin_emulsion", "gelatin_slurry")
ROWS = [("trunk", "", 60.0, 2.5, 2.2), ("left", "trunk", 40.0, 1.5, 1.2), ("right", "trunk", 50.0, 1.2, 1.0),
        ("twig", "right", 15.0, 0.5, 0.45), ("thin", "right", 15.0, 0.25, 0.2),
        ("bridge", "left", 20.0, 0.6, 0.5)]


def narrowed_and_joined() -> Patient:
    """A fork with a shunt, a stenosis in its trunk and an arcade from one artery's end into the other's middle."""
    plain = patient_of(ROWS, {"left": 2.0, "twig": 0.3, "thin": 0.02}, pulse=45.0, organ="tumor",
                       shunts=(Shunt(3, -1, 0.002, 200.0),), stenoses=(Stenosis(0, 30.0, 8.0, 0.4),))
    tree, radius = plain.tree, plain.tree.radius.copy()
    radius[: tree.first[1]] *= plain.stenoses[0].factor(tree.arc(0))
    join = (tree.index("bridge"), int(tree.first[tree.index("right")]) + 25)
    return replace(plain, tree=replace(tree, radius=radius, joins=(join,)))


PATIENT = narrowed_and_joined()
PLACES = (("trunk", 30.0), ("right", 20.0), ("twig", 8.0), ("bridge", 12.0))

act = st.tuples(st.sampled_from(FLUIDS), st.sampled_from(PLACES), st.floats(0.05, 6.0),
                st.sampled_from((0.4, 0.8, 0.97, 1.3)), st.sampled_from(("hand", "power", "none")),
                st.integers(20, 120))


HURT = (Injury("perforation", 2, 30.0, 0.0, 1.0), Injury("spasm", 2, 12.0, 16.0, 0.4),
        Injury("perforation", 3, 5.0, 0.0, 1.0))


def play(flow: Flow, acts: list[tuple[str, tuple[str, float], float, float, str, int]], hurt: bool = False) -> None:
    """Injects by hand or injector at some places with devices of some widths, or waits; hurt: one more injury of the
    wall with each act."""
    for k, (fluid, (vessel, mm), rate, outer, way, steps) in enumerate(acts):
        shapes: Shapes = device_at(PATIENT, vessel, mm, device="wide", outer_mm=outer)
        shapes = replace(shapes, injuries=HURT[: k + 1] if hurt else ())
        flow.step(DT, shapes)
        if way == "power":
            flow.start_injection("microcatheter", fluid, rate, 3.0, 0.2, 900.0)
        elif way == "hand":
            flow.load_syringe(fluid, 3)
        for _ in range(steps):
            state = flow.step(DT, shapes, "microcatheter", rate if way == "hand" else 0.0)
            assert state.mass_balance_error <= 1e-9
        total = sum(state.embolic_by_territory_mL.values()) + state.embolic_in_flight_mL
        total += state.embolic_systemic_mL
        assert abs(total - state.given["embolic_mL"]) <= 1e-9 * max(1.0, total)
        drug = sum(state.drug_by_territory_mg.values()) + state.drug_in_flight_mg + state.drug_systemic_mg
        assert abs(drug - state.given["drug_mg"]) <= 1e-9 * max(1.0, drug)
        assert np.all(np.isfinite(state.pressure_mmHg))
        assert flow.ledger.mass.min() >= -1e-12


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(st.lists(act, min_size=2, max_size=6))
def test_mass_is_kept(acts: list[tuple[str, tuple[str, float], float, float, str, int]]) -> None:
    play(new_flow(PATIENT), acts)


@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(st.lists(act, min_size=2, max_size=5))
def test_mass_is_kept_when_vessels_bleed(acts: list[tuple[str, tuple[str, float], float, float, str, int]]) -> None:
    play(new_flow(PATIENT), acts, hurt=True)


def test_same_seed_and_commands_same_bits() -> None:
    acts = [("deb_100_300", ("twig", 8.0), 0.5, 0.8, "power", 90),
            ("contrast_300", ("trunk", 30.0), 5.0, 0.8, "hand", 60)]
    one, two = new_flow(PATIENT), new_flow(PATIENT)
    play(one, acts)
    play(two, acts)
    assert np.array_equal(one.ledger.mass, two.ledger.mass)
    assert np.array_equal(one.network.circuit.P, two.network.circuit.P)
    assert np.array_equal(one.beds.kept, two.beds.kept)


def test_shipped_patient_with_veins() -> None:
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    flow.inject_at("superior_mesenteric_artery", 6.0, 30.0)
    flow.inject_at("splenic_artery", 0.5, 2.0, "deb_100_300")
    for _ in range(60 * 40):
        state = flow.step(DT)
    assert state.mass_balance_error <= 1e-9
    assert flow.ledger.systemic[flow.ledger.index_iodine] > 0.5 * flow.ledger.given[flow.ledger.index_iodine]
