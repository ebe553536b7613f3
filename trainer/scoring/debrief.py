"""Everything the debrief screen and the report show, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import Patient
from trainer.scoring.result import Result
from trainer.scoring.settings import ErrorDefinition, error_definitions

PLACES: Mapping[str, str] = {
    "tumor": "Tumor",
    "target_segment": "Target segment",
    "other_liver": "Other liver",
    "extrahepatic": "Organs outside the liver",
    "systemic": "Lung (systemic)",
    "in_flight": "Still in the arteries",
}


def debrief(
    patient: Patient,
    result: Result,
    embolic_by_place: Mapping[str, float],
    bed_embolic_mL: NDArray[np.float64] | None = None,
) -> dict[str, Any]:
    """Data of the debrief. Arrays are (n, 3) and (n,) in mm, at end expiration.

    vessels: [{name, points_mm, radius_mm, generated, embolic_mL, group}], embolic_mL being what lodged in the
    beds below the vessel; beds: [{vessel, center_mm, territory, group, embolic_mL}]; places: {place: share};
    tables, timeline, errors with their definitions; reasons; result (the document).
    bed_embolic_mL: (B,) embolic lodged per bed; without it a territory's amount is split over its beds by
    their flow at rest (exact for territories, approximate inside one).
    """
    per_bed = _per_bed(patient, embolic_by_place) if bed_embolic_mL is None else bed_embolic_mL
    below = _below(patient, per_bed)
    groups = [_group(patient, int(t), result) for t in range(len(patient.territories))]
    tree = patient.tree
    vessels = [
        {"name": tree.names[v], "points_mm": tree.points[tree.first[v] : tree.first[v + 1]],
         "radius_mm": tree.radius[tree.first[v] : tree.first[v + 1]],
         "generated": bool(tree.generated[v]), "embolic_mL": float(below[v])}
        for v in range(tree.count)
    ]  # fmt: skip
    beds = [
        {"vessel": tree.names[int(patient.beds.vessel[b])], "center_mm": patient.beds.center[b],
         "territory": patient.territories[int(patient.beds.territory[b])].name,
         "group": groups[int(patient.beds.territory[b])], "embolic_mL": float(per_bed[b])}
        for b in range(patient.beds.vessel.size)
    ]  # fmt: skip
    return {
        "vessels": vessels, "beds": beds, "places": _places(result), "tumors": _tumors(patient),
        "tables": _tables(result), "timeline": _timeline(result), "errors": _explained(result),
        "reasons": list(result.score.get("reasons", ())), "result": result.to_json(),
    }  # fmt: skip


def _per_bed(patient: Patient, by_place: Mapping[str, float]) -> NDArray[np.float64]:
    beds = patient.beds
    amount = np.array([by_place.get(t.name, 0.0) for t in patient.territories])
    flow = np.bincount(beds.territory, weights=beds.flow_mL_s, minlength=len(patient.territories))
    out: NDArray[np.float64] = beds.flow_mL_s * (amount / np.maximum(flow, 1e-12))[beds.territory]
    return out


def _below(patient: Patient, per_bed: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.bincount(patient.beds.vessel, weights=per_bed, minlength=patient.tree.count).astype(np.float64)
    for v in range(patient.tree.count - 1, 0, -1):
        if patient.tree.parent[v] >= 0:
            out[patient.tree.parent[v]] += out[v]
    return out


def _group(patient: Patient, t: int, result: Result) -> str:
    territory = patient.territories[t]
    if territory.organ == "tumor":
        return "tumor"
    if territory.organ == "liver":
        segments = {tumor.segment for tumor in patient.tumors}
        return "target_segment" if territory.segment in segments else "other_liver"
    return "systemic" if territory.organ == "systemic" else "extrahepatic"


def _places(result: Result) -> dict[str, float]:
    """Shares by place with each organ by its own name."""
    out: dict[str, float] = {}
    for place, share in result.selectivity.items():
        out.update({k: float(v) for k, v in share.items()} if isinstance(share, Mapping)
                   else {place: float(share)})  # fmt: skip
    return out


def _tumors(patient: Patient) -> list[dict[str, Any]]:
    return [{"name": t.name, "center_mm": t.center, "diameter_mm": t.diameter_mm, "segment": t.segment,
             "feeder": t.feeder} for t in patient.tumors]  # fmt: skip


Row = tuple[str, str]


def _exposure(exposure: Mapping[str, float]) -> list[Row]:
    """Drug over the day: in the tumor against plasma."""
    if not exposure:
        return []
    return [
        ("Highest in tumor, plasma", f"{exposure['tumor_peak_ug_mL']:.0f}, {exposure['plasma_peak_ug_mL']:.2f} ug/mL"),
        ("Tumor over plasma, 24 h", f"{exposure['regional_advantage']:.0f} x"),
    ]


def _tables(result: Result) -> dict[str, list[Row]]:
    """Rows of text for the screen and the report."""
    dose, handling = result.dose, result.handling
    ratio, sparc = handling["path_ratio"], handling["sparc"]
    drug = sum(sum(v.values()) if isinstance(v, Mapping) else v for v in result.drug_mg.values())
    return {
        "Treatment": [
            ("Selectivity reached", result.level or "nothing given"),
            ("Embolic delivered", f"{result.embolic_mL:.2f} mL"),
            ("Tumor flow left", f"{100 * result.tumor_flow_left:.0f} %"),
            ("End point", f"SACE {result.sace}"),
            ("Drug delivered", f"{drug:.1f} mg, {result.drug_mg['tumor']:.1f} mg of it in the tumor"),
            *_exposure(result.exposure),
        ],
        "Dose and contrast": [
            ("Fluoroscopy", f"{dose['fluoro_time_s'] / 60:.1f} min"),
            ("Kerma-area product", f"{dose['kap_Gycm2']:.1f} Gy cm2"),
            ("Air kerma", f"{dose['air_kerma_mGy']:.0f} mGy"),
            ("DSA images", f"{dose['frames']:.0f}"),
            ("Contrast", f"{result.contrast_mL:.0f} mL ({result.iodine_g:.1f} g iodine)"),
            ("Procedure", f"{result.procedure_time_s / 60:.1f} min"),
        ],
        "Handling": [
            ("Highest wall force", f"{handling['max_wall_force_N']:.2f} N"),
            ("Tip travel", f"{handling['tip_travel_mm'] / 10:.0f} cm"),
            ("Over the shortest way", "-" if ratio is None else f"{ratio:.1f} x"),
            ("Wrong branches", f"{handling['wrong_branches']}"),
            ("Smoothness (SPARC)", "-" if sparc is None else f"{sparc:.2f}"),
        ],
    }


def _timeline(result: Result) -> list[dict[str, Any]]:
    """Steps and errors in order of time."""
    steps = [{"t_s": p["t_s"], "kind": "step", "text": p["title"], "severity": "info"}
             for p in result.phases if p["done"]]  # fmt: skip
    errors = [{"t_s": e["t_s"], "kind": "error", "text": e["detail"], "severity": e["severity"]}
              for e in result.handling["errors"]]  # fmt: skip
    return sorted(steps + errors, key=lambda row: float(row["t_s"]))


def _explained(result: Result) -> list[dict[str, Any]]:
    """Each error with its published definition and what to do instead."""
    definitions: Mapping[str, ErrorDefinition] = error_definitions()
    return [
        {**e, "title": d.title, "definition": d.definition, "advice": d.advice, "source": d.source}
        for e in result.handling["errors"]
        for d in (definitions[e["code"]],)
    ]
