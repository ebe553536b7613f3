"""A tumor whose rim another artery feeds (clinical 1.7, 7.7)."""

from typing import Any

import numpy as np
import pytest
from flow_patient import DT, LUMENS

from trainer.anatomy.build import build_patient
from trainer.anatomy.capsules import crossings
from trainer.anatomy.faults import AnatomyFault
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow


def patient_with(seed: int = 1, **change: Any) -> Patient:
    tumor = {"segment": "8", "diameter_mm": 40, "parasitic": change}
    return build_patient(PatientSpec.model_validate({"tumors": [tumor]}), np.random.SeedSequence(seed))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_runs_from_the_phrenic_artery_to_the_rim_clear_of_others(seed: int) -> None:
    patient = patient_with(seed)
    tree, tumor = patient.tree, patient.tumors[0]
    v = tree.index("tumor_parasitic_feeder")
    assert tree.names[tree.parent[v]] == "right_inferior_phrenic_artery"
    end = tree.points[tree.first[v + 1] - 1]
    assert np.linalg.norm(end - tumor.center) == pytest.approx(0.95 * 0.5 * tumor.diameter_mm, rel=0.01)
    assert len(crossings(tree)) == 0
    organs = [patient.territories[t].name for t in patient.beds.territory]
    flow = {n: sum(patient.beds.flow_mL_s[k] for k, o in enumerate(organs) if o == n) for n in ("tumor", "tumor_rim")}
    assert flow["tumor_rim"] / sum(flow.values()) == pytest.approx(0.3)


def test_the_rim_stays_when_the_feeder_is_shut() -> None:
    patient = patient_with()
    flow = Flow(patient, build_cells(patient), LUMENS, np.random.SeedSequence(3))
    territory = np.array([patient.territories[t].name for t in patient.beds.territory])
    rim, core = territory == "tumor_rim", territory == "tumor"
    for _ in range(100):
        before = flow.step(DT)
    flow.inject_at("tumor_feeder", 0.3, 24.0, "deb_100_300")
    for _ in range(100 * 30):
        after = flow.step(2.0 * DT)
    assert after.bed_flow_mL_s[core].sum() < 0.15 * before.bed_flow_mL_s[core].sum()
    assert after.bed_flow_mL_s[rim].sum() > 0.9 * before.bed_flow_mL_s[rim].sum()
    # the tumor's flow left is told with the rim
    assert after.feeder_flow_share > 0.25
    stained = {}
    for vessel in ("common_hepatic_artery", "right_inferior_phrenic_artery"):
        flow = Flow(patient, build_cells(patient), LUMENS, np.random.SeedSequence(3))
        flow.inject_at(vessel, 0.5, 2.0)
        stained[vessel] = max(flow.step(DT).bed_iodine_mg[rim].sum() for _ in range(600))
    assert stained["common_hepatic_artery"] < 0.02 * stained["right_inferior_phrenic_artery"]


@pytest.mark.parametrize(("change", "words"), [({"parent": "no_artery"}, "does not exist"),
                                               ({"parent": "left_radial_artery"}, "mm apart")])
def test_faults_say_where_and_how_to_mend(change: dict[str, Any], words: str) -> None:
    with pytest.raises(AnatomyFault, match=words) as caught:
        patient_with(**change)
    assert caught.value.keys == ("tumors", 0, "parasitic", "parent")
    assert caught.value.mend
