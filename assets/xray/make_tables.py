"""Recipe of beams.json: tube spectra (spekpy) and attenuation (xraydb, Elam), reduced to four energies.

Development only: `python assets/xray/make_tables.py`. Needs the extra `tables`. For every tube voltage and
copper filter the detector's signal spectrum is replaced by four energies and weights, fitted so that the
transmission of any mix of soft tissue, bone, iodine and platinum agrees with the full spectrum. The four attenuation
coefficients of each other device material are then fitted in such mixes, because a metal's K edge can lie in the
beam.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import spekpy
import xraydb
from ruamel.yaml import YAML
from scipy.optimize import least_squares, nnls

HERE = Path(__file__).parent
MATERIALS = YAML(typ="safe").load(HERE / "materials.yaml")["materials"]
BASIS = ("soft", "bone", "iodine", "platinum")
CSI = {"Cs": 0.5115, "I": 0.4885}
KVPS = list(range(60, 121))
COPPER_MM = [0.0, 0.1, 0.2, 0.3, 0.6, 0.9]
INHERENT_AL_MM = 2.5
ANODE_DEG = 12.0
CSI_G_CM2 = 0.06 * 4.51 * 0.8  # 0.6 mm CsI packed to 80 %
REFERENCE_SOFT_CM = 20.0  # what lies before the detector where quanta are calibrated
KERMA_CM = np.arange(5.0, 41.0, 2.5)  # where kerma over signal is fitted
SWANK = 0.9  # [mem, unverified]
K = 4
MOST = 0.0125
"""Error of transmission, as a share, that a fit may have before the body is put first."""
STARTS = [
    [0.45, 0.58, 0.74, 0.92],
    [0.42, 0.52, 0.66, 0.86],
    [0.5, 0.65, 0.8, 0.95],
    [0.4, 0.5, 0.62, 0.8],
    [0.32, 0.48, 0.66, 0.85],
    [0.43, 0.62, 0.79, 0.9],
    [0.45, 0.62, 0.85, 0.985],
]
"""Energies from which a fit starts, as shares of the tube voltage."""
DEVICE_MATERIALS = (
    "lipiodol",
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


@cache
def element(name: str, energy_kev: bytes) -> np.ndarray:
    return xraydb.mu_elam(name, np.frombuffer(energy_kev) * 1e3)


def mass_attenuation(composition: dict[str, float], energy_kev: np.ndarray) -> np.ndarray:
    """mu/rho in cm2/g of a mixture at energies, total cross section, shape of the energies."""
    return sum(part * element(el, energy_kev.tobytes()) for el, part in composition.items())


def mixes(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, 4) random paths: soft, bone, iodine and platinum in g/cm2."""
    out = np.zeros((n, 4))
    out[:, 0] = rng.uniform(10, 35, n)
    out[:, 1] = rng.uniform(0, 4, n) * 1.92 * (rng.random(n) < 0.6)
    out[:, 2] = rng.uniform(0, 0.4, n) * (rng.random(n) < 0.6)
    out[:, 3] = rng.uniform(0, 0.05, n) * 21.45 * (rng.random(n) < 0.6)
    return out


class Nodes:
    """The fit of one beam: logarithms of four energies, of four weights and of platinum's four coefficients.

    Platinum's coefficients are free, because its K edge lies in the beam; those of the others are their own at
    the four energies. Sum of squares first, then higher powers of the error, because the largest one counts.
    """

    def __init__(self, energy: np.ndarray, weight: np.ndarray, mus: np.ndarray, kvp: float) -> None:
        self.kvp, self.grid, self.logs = kvp, np.log(energy), np.log(mus)
        self.paths = mixes(np.random.default_rng(7), 600)
        self.truth = np.exp(-self.paths @ mus) @ weight
        self.bounds = (
            np.r_[np.full(K, np.log(16.0)), np.full(K, -12.0), np.full(K, -2.0)],
            np.r_[np.full(K, self.grid[-1]), np.full(K, 3.0), np.full(K, 6.0)],
        )
        self.scale = np.ones(len(self.paths))

    def parts(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energies (4,) keV, weights (4,), coefficients (4, 4) cm2/g of soft, bone, iodine, platinum."""
        w = np.exp(x[K : 2 * K])
        mu = np.exp([np.interp(x[:K], self.grid, log) for log in self.logs])
        mu[3] = np.exp(x[2 * K :])
        return np.exp(x[:K]), w / w.sum(), mu

    def wrong(self, x: np.ndarray) -> np.ndarray:
        _, w, mu = self.parts(x)
        return (np.exp(-self.paths @ mu) @ w / self.truth - 1.0) * self.scale

    def start(self, share: list[float]) -> np.ndarray:
        at = np.log(self.kvp * np.array(share))
        x = np.r_[at, np.log([0.2, 0.35, 0.3, 0.15]), np.interp(at, self.grid, self.logs[3])]
        return np.clip(x, self.bounds[0] + 1e-6, self.bounds[1] - 1e-6)

    def solve(self, start: np.ndarray, power: int) -> np.ndarray:
        x = np.clip(start, self.bounds[0] + 1e-6, self.bounds[1] - 1e-6)
        size = max(float(np.abs(self.wrong(x)).max()), 1e-12) if power > 1 else 1.0
        return least_squares(
            lambda y: np.abs(self.wrong(y) / size) ** power if power > 1 else self.wrong(y),
            x,
            bounds=self.bounds,
            x_scale="jac",
            max_nfev=200,
        ).x

    def worst(self, x: np.ndarray) -> float:
        return float(np.abs(self.wrong(x)).max())

    def best(self) -> np.ndarray:
        """The best of several starts."""
        found = sorted((self.solve(self.start(s), 1) for s in STARTS), key=self.worst)[:3]
        refined = []
        for x in found:
            steps = [x]
            for power in (2, 4):
                steps.append(self.solve(steps[-1], power))
            refined.append(min(steps, key=self.worst))
        return min(refined, key=self.worst)


def fit(
    energy: np.ndarray, weight: np.ndarray, mus: np.ndarray, kvp: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies and weights (4,) and coefficients (4, 4) cm2/g.

    mus (4, E) cm2/g of soft, bone, iodine and platinum. Where four energies cannot follow metal and body at once
    (high voltage without copper), the body comes first.
    """
    nodes = Nodes(energy, weight, mus, kvp)
    x = nodes.best()
    if nodes.worst(x) > MOST:
        nodes.scale = np.where(nodes.paths[:, 3] > 0, 0.4, 1.0)
        x = nodes.best()
    e, w, mu = nodes.parts(x)
    order = np.argsort(e)
    return e[order], w[order], mu[:, order]


def fit_material(
    weight: np.ndarray, mus: np.ndarray, nodes: np.ndarray, w: np.ndarray, mu: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, float]:
    """Four coefficients (1/mm) of one material of coefficients mu (E,) 1/mm, and the largest error
    as a share of the signal beside the device.

    nodes (3, 4): soft, bone and iodine at the four energies; start (4,): the material's own values there.
    """
    rng = np.random.default_rng(9)
    paths = mixes(rng, 600)[:, :3]
    thickest = min(3.0 / (mu @ weight), 3.0)
    t = rng.uniform(0.02, 1.0, len(paths))[:, None] * thickest
    truth = np.exp(-paths @ mus - t * mu) @ weight
    base = paths @ nodes
    without, seen = np.exp(-paths @ mus) @ weight, np.exp(-base) @ w

    def parts(x: np.ndarray) -> np.ndarray:
        return np.exp(-base - t * np.exp(x)) @ w

    def wrong(x: np.ndarray) -> np.ndarray:
        return (1.0 - parts(x) / seen) / (1.0 - truth / without) - 1.0

    low, high = np.log(0.3 * mu.min()), np.log(2.0 * mu.max())
    starts = [np.clip(np.log(k * start), low + 1e-6, high - 1e-6) for k in (1.0, 0.7)]
    found = min((least_squares(wrong, x, bounds=(low, high)) for x in starts), key=lambda f: f.cost)
    return np.exp(found.x), float(np.abs(parts(found.x) / seen - truth / without).max())


@cache
def bare_tube(kvp: float) -> spekpy.Spek:
    return spekpy.Spek(kvp=kvp, th=ANODE_DEG, dk=0.5)


def tube(kvp: float, copper: float) -> spekpy.Spek:
    s = spekpy.Spek.clone(bare_tube(kvp))
    s.filter("Al", INHERENT_AL_MM)
    if copper:
        s.filter("Cu", copper)
    return s


def signal_of(s: spekpy.Spek) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies keV, photons/cm2/keV per mAs at 1 m, and the share that the scintillator absorbs."""
    energy, fluence = s.get_spectrum(edges=False)
    keep = (energy > 12) & (fluence > 0)
    energy, fluence = energy[keep], fluence[keep]
    return energy, fluence, 1.0 - np.exp(-CSI_G_CM2 * mass_attenuation(CSI, energy))


def behind(kvp: float, copper: float, water_cm: float) -> spekpy.Spek:
    s = tube(kvp, copper)
    s.filter("Water, Liquid", 10.0 * water_cm)
    return s


def kerma_per_signal(
    kvp: float, copper: float, kerma: float, signal: float, w: np.ndarray, mu_water: np.ndarray
) -> np.ndarray:
    """(4,) air kerma for a signal of each of the four energies, both 1 in the open beam.

    Fitted so that kerma over signal behind water is the spectrum's. w, mu_water (4,): weights, and water's 1/mm.
    """
    # air kerma of each photon ~ E * mu_en/rho; xraydb has no mu_en, so spekpy's kerma is taken
    ratios = []
    for cm in KERMA_CM:
        s = behind(kvp, copper, cm)
        e, f, a = signal_of(s)
        ratios.append(float(s.get_kerma()) / kerma / float((f * e * a).sum() / signal))
    left = w * np.exp(-10.0 * KERMA_CM[:, None] * mu_water)
    shares = left / left.sum(axis=1, keepdims=True) / np.array(ratios)[:, None]
    return nnls(shares, np.ones(len(KERMA_CM)))[0]


def calibration(
    kvp: float, copper: float, kerma: float, signal: float, w: np.ndarray, mu_water: np.ndarray
) -> dict[str, object]:
    """Kerma for a signal of the four energies, and noise-equivalent quanta behind 20 cm of water."""
    s = behind(kvp, copper, REFERENCE_SOFT_CM)
    e, f, a = signal_of(s)
    step = float(e[1] - e[0])
    quanta = (f * e * a).sum() ** 2 / (f * e**2 * a).sum() * step * SWANK / 100.0 / float(s.get_kerma())
    return {
        "kerma_per_signal": [round(float(x), 5) for x in kerma_per_signal(kvp, copper, kerma, signal, w, mu_water)],
        "quanta_uGy_mm2": round(float(quanta), 1),
    }


def coefficients(
    energy: np.ndarray, weight: np.ndarray, e: np.ndarray, w: np.ndarray, nodes: np.ndarray, mus: np.ndarray
) -> tuple[dict[str, np.ndarray], float]:
    """Every material's four coefficients (1/mm; iodine for unit density), and the largest error of a device."""
    out, worst = {}, 0.0
    for name, m in MATERIALS.items():
        mu = mass_attenuation(m["composition"], energy) * m["density"] / 10.0
        out[name] = np.exp(np.interp(np.log(e), np.log(energy), np.log(mu)))
        if name in DEVICE_MATERIALS:
            out[name], error = fit_material(weight, mus[:3], nodes[:3], w, mu, out[name])
            worst = max(worst, error)
    out["platinum"] = nodes[3] * MATERIALS["platinum"]["density"] / 10.0
    out["iodine"] = out["iodine"] * 10.0 / 1000.0  # cm2/mg
    return out, worst


def row(beam: tuple[float, float]) -> dict[str, object]:
    """One beam of the table."""
    kvp, copper = beam
    s = tube(kvp, copper)
    energy, fluence, absorbed = signal_of(s)
    kerma = float(s.get_kerma())  # uGy per mAs at 1 m
    mus = np.array([mass_attenuation(MATERIALS[m]["composition"], energy) for m in BASIS])
    signal = fluence * energy * absorbed
    weight = signal / signal.sum()
    e, w, nodes = fit(energy, weight, mus, kvp)
    paths = mixes(np.random.default_rng(8), 1500)
    error = np.exp(-paths @ nodes) @ w / (np.exp(-paths @ mus) @ weight) - 1.0
    mu, worst_device = coefficients(energy, weight, e, w, nodes, mus)
    left = fluence * np.exp(-REFERENCE_SOFT_CM * mus[0])
    out: dict[str, object] = {
        "kvp": kvp,
        "copper_mm": copper,
        "energy_kev": [round(float(x), 3) for x in e],
        "weight": [round(float(x), 6) for x in w],
        "fit_max": round(float(np.abs(error).max()), 5),
        "fit_rms": round(float(np.sqrt((error**2).mean())), 5),
        "fit_max_body": round(float(np.abs(error[paths[:, 3] == 0]).max()), 5),
        "kerma_uGy_mAs_1m": round(kerma, 4),
        **calibration(kvp, copper, kerma, float(signal.sum()), w, mu["water"]),
        "mean_kev_behind": round(float((left * energy).sum() / left.sum()), 2),
        "fit_max_device": round(worst_device, 5),
        "mu": {name: [float(f"{x:.6g}") for x in values] for name, values in mu.items()},
    }
    print(*(out[k] for k in list(out)[:11]), flush=True)
    return out


def main() -> None:
    with ProcessPoolExecutor() as pool:
        beams = list(pool.map(row, [(k, c) for k in KVPS for c in COPPER_MM], chunksize=len(COPPER_MM)))
    json.dump(
        {
            "made_by": "assets/xray/make_tables.py",
            "spekpy": spekpy.__version__,
            "xraydb": xraydb.__version__,
            "units": "mu: 1/mm, iodine: cm2/mg; kerma: uGy/mAs at 1 m in air; kerma_per_signal: of each energy, both 1 "
            "in the open beam; quanta: noise-equivalent per uGy behind 20 cm water and mm2, CsI 0.6 mm at 80 % packing",
            "beams": beams,
        },
        (HERE / "beams.json").open("w"),
        indent=None,
        separators=(",", ":"),
    )


if __name__ == "__main__":
    main()
