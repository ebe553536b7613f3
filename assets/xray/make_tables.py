"""Recipe of beams.json: tube spectra (spekpy) and attenuation (xraydb, Elam), reduced to four energies.

Development only: `python assets/xray/make_tables.py`. Needs the extra `tables`. For every tube voltage and
copper filter the detector's signal spectrum is replaced by four energies and weights, fitted so that the
transmission of any mix of soft tissue, bone and iodine agrees with the full spectrum. The four attenuation
coefficients of each device material are then fitted in such mixes, because a metal's K edge can lie in the beam.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import spekpy
import xraydb
from ruamel.yaml import YAML
from scipy.optimize import least_squares

HERE = Path(__file__).parent
KVPS = list(range(60, 121, 5))
COPPER_MM = [0.0, 0.1, 0.2, 0.3, 0.6, 0.9]
INHERENT_AL_MM = 2.5
ANODE_DEG = 12.0
CSI_G_CM2 = 0.06 * 4.51 * 0.8  # 0.6 mm CsI packed to 80 %
REFERENCE_SOFT_CM = 20.0  # what lies before the detector where kerma and quanta are calibrated
SWANK = 0.9  # [mem, unverified]
K = 4
DEVICE_MATERIALS = (
    "lipiodol",
    "platinum",
    "tungsten",
    "tantalum",
    "gold",
    "steel",
    "nitinol",
    "polymer_baso4_20",
    "polymer_baso4_40",
    "polymer_tungsten_60",
    "polymer_tungsten_80",
)


def mass_attenuation(composition: dict[str, float], energy_kev: np.ndarray) -> np.ndarray:
    """mu/rho in cm2/g of a mixture at energies, total cross section, shape of the energies."""
    return sum(part * xraydb.mu_elam(el, energy_kev * 1e3) for el, part in composition.items())


def mixes(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, 3) random paths: soft g/cm2, bone g/cm2, iodine g/cm2."""
    out = np.zeros((n, 3))
    out[:, 0] = rng.uniform(10, 35, n)
    out[:, 1] = rng.uniform(0, 4, n) * 1.92 * (rng.random(n) < 0.6)
    out[:, 2] = rng.uniform(0, 0.4, n) * (rng.random(n) < 0.6)
    return out


def fit(energy: np.ndarray, weight: np.ndarray, mus: np.ndarray, kvp: float) -> tuple[np.ndarray, np.ndarray]:
    """Four energies and weights of a signal spectrum of weight sum 1. mus (3, E) cm2/g."""
    paths = mixes(np.random.default_rng(7), 600)
    truth = np.exp(-paths @ mus) @ weight
    grid = np.log(energy)

    def parts(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w = np.exp(x[K:])
        return np.exp(x[:K]), w / w.sum()

    def wrong(x: np.ndarray) -> np.ndarray:
        e, w = parts(x)
        mu = np.exp([np.interp(np.log(e), grid, np.log(m)) for m in mus])
        return np.exp(-paths @ mu) @ w / truth - 1.0

    best = None
    low = np.r_[np.full(K, np.log(22.0)), np.full(K, -9.0)]
    high = np.r_[np.full(K, np.log(kvp)), np.full(K, 3.0)]
    for share in ([0.45, 0.58, 0.74, 0.92], [0.42, 0.52, 0.66, 0.86], [0.5, 0.65, 0.8, 0.95], [0.4, 0.5, 0.62, 0.8]):
        found = least_squares(
            wrong, np.r_[np.log(kvp * np.array(share)), np.log([0.2, 0.35, 0.3, 0.15])], bounds=(low, high)
        )
        if best is None or found.cost < best.cost:
            best = found
    e, w = parts(best.x)
    order = np.argsort(e)
    return e[order], w[order]


def fit_material(
    weight: np.ndarray, mus: np.ndarray, nodes: np.ndarray, w: np.ndarray, mu: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, float]:
    """Four coefficients (1/mm) of one material of coefficients mu (E,) 1/mm, and the largest error
    as a share of the signal beside the device.

    nodes (3, 4): soft, bone and iodine at the four energies; start (4,): the material's own values there.
    """
    rng = np.random.default_rng(9)
    paths = mixes(rng, 600)
    thickest = min(3.0 / (mu @ weight), 3.0)
    t = rng.uniform(0, thickest, len(paths))[:, None]
    truth = np.exp(-paths @ mus - t * mu) @ weight
    base = paths @ nodes
    without = np.exp(-paths @ mus) @ weight

    def wrong(x: np.ndarray) -> np.ndarray:
        return (np.exp(-base - t * np.exp(x)) @ w - truth) / without

    found = least_squares(wrong, np.log(start), method="lm")
    return np.exp(found.x), float(np.abs(found.fun).max())


def main() -> None:
    materials = YAML(typ="safe").load(HERE / "materials.yaml")["materials"]
    csi = {"Cs": 0.5115, "I": 0.4885}
    beams = []
    for kvp in KVPS:
        for copper in COPPER_MM:
            s = spekpy.Spek(kvp=kvp, th=ANODE_DEG, dk=0.5)
            s.filter("Al", INHERENT_AL_MM)
            if copper:
                s.filter("Cu", copper)
            energy, fluence = s.get_spectrum(edges=False)  # keV, photons/cm2/keV per mAs at 1 m
            keep = (energy > 12) & (fluence > 0)
            energy, fluence = energy[keep], fluence[keep]
            kerma = float(s.get_kerma())  # uGy per mAs at 1 m
            basis = ("soft", "bone", "iodine")
            mus = np.array([mass_attenuation(materials[m]["composition"], energy) for m in basis])
            absorbed = 1.0 - np.exp(-CSI_G_CM2 * mass_attenuation(csi, energy))
            signal = fluence * energy * absorbed
            weight = signal / signal.sum()
            e, w = fit(energy, weight, mus, kvp)
            at_nodes = {
                name: np.exp(np.interp(np.log(e), np.log(energy), np.log(mass_attenuation(m["composition"], energy))))
                * m["density"]
                / 10.0
                for name, m in materials.items()
            }
            nodes = np.array([at_nodes[m] * 10.0 / materials[m]["density"] for m in basis])
            paths = mixes(np.random.default_rng(8), 1500)
            error = np.exp(-paths @ nodes) @ w / (np.exp(-paths @ mus) @ weight) - 1.0
            worst, rms = float(np.abs(error).max()), float(np.sqrt((error**2).mean()))
            worst_device = {}
            for name, m in materials.items():
                if name in DEVICE_MATERIALS:
                    mu = mass_attenuation(m["composition"], energy) * m["density"] / 10.0
                    at_nodes[name], worst_device[name] = fit_material(weight, mus, nodes, w, mu, at_nodes[name])
            behind = fluence * np.exp(-REFERENCE_SOFT_CM * mus[0])
            # air kerma of each photon ~ E * mu_en/rho; xraydb has no mu_en, so kerma is scaled from spekpy's
            after = spekpy.Spek(kvp=kvp, th=ANODE_DEG, dk=0.5)
            after.filter("Al", INHERENT_AL_MM)
            if copper:
                after.filter("Cu", copper)
            after.filter("Water, Liquid", 10 * REFERENCE_SOFT_CM * 1.0)
            water_kerma = float(after.get_kerma())
            behind_water = after.get_spectrum(edges=False)
            ew, fw = behind_water[0], behind_water[1]
            aw = 1.0 - np.exp(-CSI_G_CM2 * mass_attenuation(csi, ew))
            step = float(energy[1] - energy[0])
            quanta = (fw * ew * aw).sum() ** 2 / (fw * ew**2 * aw).sum() * step * SWANK / 100.0 / water_kerma
            transmission_signal = float((fw * ew * aw).sum() / signal.sum())
            beams.append(
                {
                    "kvp": kvp,
                    "copper_mm": copper,
                    "energy_kev": [round(float(x), 3) for x in e],
                    "weight": [round(float(x), 6) for x in w],
                    "fit_max": round(worst, 5),
                    "fit_rms": round(rms, 5),
                    "kerma_uGy_mAs_1m": round(kerma, 4),
                    "kerma_over_signal": round(water_kerma / kerma / transmission_signal, 5),
                    "quanta_uGy_mm2": round(float(quanta), 1),
                    "mean_kev_behind": round(float((behind * energy).sum() / behind.sum()), 2),
                    "fit_max_device": round(max(worst_device.values()), 5),
                    "mu": {name: [float(f"{x:.6g}") for x in mu] for name, mu in at_nodes.items()},
                }
            )
            print(
                kvp,
                copper,
                np.round(e, 1),
                np.round(w, 3),
                f"{worst:.4f} {rms:.4f}",
                max(worst_device.items(), key=lambda i: i[1]),
                round(kerma, 1),
                round(float(quanta)),
                beams[-1]["kerma_over_signal"],
                flush=True,
            )
    for beam in beams:  # iodine per mg/cm2: mu/rho in cm2/g / 1000
        beam["mu"]["iodine"] = [float(f"{x * 10.0 / 1000.0:.6g}") for x in beam["mu"]["iodine"]]
    json.dump(
        {
            "made_by": "assets/xray/make_tables.py",
            "spekpy": spekpy.__version__,
            "xraydb": xraydb.__version__,
            "units": "mu: 1/mm, iodine: cm2/mg; kerma: uGy/mAs at 1 m in air; quanta: noise-equivalent per uGy "
            "behind 20 cm water and mm2, CsI 0.6 mm at 80 % packing",
            "beams": beams,
        },
        (HERE / "beams.json").open("w"),
        indent=None,
        separators=(",", ":"),
    )


if __name__ == "__main__":
    main()
