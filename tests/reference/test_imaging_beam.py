"""The shipped four-energy tables against xraydb and full spekpy spectra."""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from imaging_phantoms import Bench, Slab, straight
from ruamel.yaml import YAML

from trainer.imaging.beam import Beam, beam, materials
from trainer.imaging.devices import Layer
from trainer.imaging.exposure import kerma_uGy
from trainer.imaging.geometry import Geometry
from trainer.imaging.system import load_system
from trainer.resources import resource

xraydb = pytest.importorskip("xraydb", reason="xraydb is a development dependency")

SOFT = {"H": 0.102, "C": 0.143, "N": 0.034, "O": 0.708, "Na": 0.002, "P": 0.003, "S": 0.003, "Cl": 0.002, "K": 0.003}
BONE = {"H": 0.034, "C": 0.155, "N": 0.042, "O": 0.435, "Na": 0.001, "Mg": 0.002, "P": 0.103, "S": 0.003, "Ca": 0.225}
CSI = {"Cs": 0.5115, "I": 0.4885}
WATER = {"H": 0.111898, "O": 0.888102}
SYSTEM = load_system()


def mu_rho(parts: dict[str, float], kev: np.ndarray) -> np.ndarray:
    return sum(w * xraydb.mu_elam(el, np.asarray(kev) * 1e3) for el, w in parts.items())


def tabulated() -> list[tuple[float, float]]:
    """Beams that exposure control can come to: every stage, and every fourth voltage between two of the same copper."""
    out = set()
    for stages in (SYSTEM.stages.fluoro, SYSTEM.stages.dsa):
        out |= set(stages)
        for (low, a), (high, c) in pairwise(stages):
            if a == c:
                out |= {(float(k), a) for k in range(int(low) + 2, int(high), 4)}
    return sorted(out)


BEAMS = tabulated()


@pytest.mark.parametrize("copper", [0.0, 0.1, 0.2, 0.3, 0.6, 0.9])
def test_monochromatic_coefficients(copper: float) -> None:
    """Every node of a beam is a real energy for soft tissue, bone, water and aluminum, and for iodine away from its K
    edge: 0.1 %. Every third voltage."""
    for kvp in range(60, 121, 3):
        b = beam(float(kvp), copper)
        assert b.mu["soft"] * 10 == pytest.approx(mu_rho(SOFT, b.energy_kev), rel=0.001)
        assert b.mu["bone"] * 10 / 1.92 == pytest.approx(mu_rho(BONE, b.energy_kev), rel=0.001)
        assert b.mu["water"] * 10 == pytest.approx(mu_rho(WATER, b.energy_kev), rel=0.001)
        assert b.mu["aluminum"] * 10 / 2.699 == pytest.approx(mu_rho({"Al": 1.0}, b.energy_kev), rel=0.001)
        far = np.abs(b.energy_kev - 33.17) > 1.0  # the K edge itself
        assert b.mu["iodine"][far] * 1000 == pytest.approx(mu_rho({"I": 1.0}, b.energy_kev)[far], rel=0.001)


def near_60_kev() -> tuple[Beam, float]:
    """A beam of one energy, as near to 60 keV as any node is, and that energy."""
    found = min(((beam(float(k), c), n) for k in range(60, 121) for c in (0.1, 0.2, 0.3) for n in range(4)),
                key=lambda x: abs(x[0].energy_kev[x[1]] - 60.0))
    b, n = found
    return replace(b, weight=np.where(np.arange(4) == n, 1.0, 0.0)), float(b.energy_kev[n])


@pytest.mark.parametrize("material", ["water", "aluminum", "iodine"])
@pytest.mark.parametrize("thick", [1.0, 3.0, 10.0, 30.0, 100.0, 200.0])
def test_slabs_in_the_picture_at_one_energy(material: str, thick: float) -> None:
    """-ln(I / I0) of slabs (mm; iodine mg/cm2) through the image chain against xraydb at one energy: 0.1 %."""
    b, kev = near_60_kev()
    assert kev == pytest.approx(60.0, abs=0.3)
    geometry = Geometry(pixels=64)
    if material == "aluminum":
        b = replace(b, mu={**b.mu, "soft": b.mu["aluminum"]})
    elif material == "water":
        b = replace(b, mu={**b.mu, "soft": b.mu["water"]})
    bench = Bench(geometry, SYSTEM, b)
    empty = bench.primary(Slab(geometry, 0.0)).astype(float)
    slab = Slab(geometry, 0.0 if material == "iodine" else thick)
    primary = bench.primary(slab, iodine=thick if material == "iodine" else 0.0).astype(float)
    got = -np.log(primary / empty).mean()
    if material == "water":
        want = xraydb.material_mu("H2O", kev * 1e3, density=1.0) * thick / 10.0
    elif material == "aluminum":
        want = xraydb.material_mu("Al", kev * 1e3, density=2.699) * thick / 10.0
    else:
        want = xraydb.material_mu("I", kev * 1e3, density=1.0) * thick / 1000.0
    assert got == pytest.approx(want, rel=0.001)


@cache
def bare_tube(kvp: float) -> Any:
    spekpy = pytest.importorskip("spekpy", reason="spekpy makes the full spectra")
    return spekpy.Spek(kvp=kvp, th=12.0, dk=0.5)


def tube(kvp: float, copper: float) -> Any:
    s = type(bare_tube(kvp)).clone(bare_tube(kvp))
    s.filter("Al", 2.5)
    if copper:
        s.filter("Cu", copper)
    return s


@cache
def spectrum(kvp: float, copper: float) -> tuple[np.ndarray, np.ndarray]:
    """Energies and the detector's signal spectrum, sum 1."""
    s = tube(kvp, copper)
    kev, fluence = s.get_spectrum(edges=False)
    keep = (kev > 12) & (fluence > 0)
    kev, fluence = kev[keep], fluence[keep]
    signal = fluence * kev * (1 - np.exp(-0.06 * 4.51 * 0.8 * mu_rho(CSI, kev)))
    return kev, signal / signal.sum()


@cache
def mixed_paths() -> np.ndarray:
    """(600, 4) soft mm, bone mm, iodine mg/cm2, platinum mm; of its own seed, not the fit's."""
    rng, n = np.random.default_rng(3), 600
    out = rng.uniform(0.0, [1.0, 40.0, 400.0, 0.5], (n, 4)) * (rng.random((n, 4)) < 0.6)
    out[:, 0] = rng.uniform(100.0, 350.0, n)
    return out


def worst_error(kvp: float, copper: float, platinum: bool) -> float:
    """Largest error of transmission against the full spectrum's, as a share of it."""
    kev, weight = spectrum(kvp, copper)
    b, paths = beam(kvp, copper), mixed_paths().copy()
    if not platinum:
        paths[:, 3] = 0.0
    mu = np.array([mu_rho(SOFT, kev) * 0.1, mu_rho(BONE, kev) * 0.192, mu_rho({"I": 1.0}, kev) * 1e-3,
                   mu_rho({"Pt": 1.0}, kev) * 2.145])
    nodes = np.array([b.mu["soft"], b.mu["bone"], b.mu["iodine"], b.mu["platinum"]])
    return float(np.abs((np.exp(-paths @ nodes) @ b.weight) / (np.exp(-paths @ mu) @ weight) - 1.0).max())


@pytest.mark.parametrize(("kvp", "copper"), BEAMS)
def test_polychromatic_transmission(kvp: float, copper: float) -> None:
    """Beams that exposure control can choose: 10-35 cm of tissue, 0-4 cm of bone, 0-0.4 g/cm2 of iodine:
    1.5 % of the full sum."""
    assert worst_error(kvp, copper, platinum=False) < 0.015


# above 105 kV four energies cannot follow body and metal at once: the body comes first
TOO_HARD = [b for b in BEAMS if b[0] >= 105.0]


@pytest.mark.parametrize(("kvp", "copper"), [b for b in BEAMS if b not in TOO_HARD])
def test_polychromatic_transmission_with_platinum(kvp: float, copper: float) -> None:
    """The same and 0-0.5 mm of platinum."""
    assert worst_error(kvp, copper, platinum=True) < 0.015


@pytest.mark.parametrize(("kvp", "copper"), TOO_HARD[::2])
def test_platinum_at_the_highest_voltages_is_off_by_no_more_than_is_told(kvp: float, copper: float) -> None:
    """VALIDATION.md says 2 to 4 %: what the next test asks for is not reached, and it gets no worse."""
    assert worst_error(kvp, copper, platinum=True) < 0.04


@pytest.mark.xfail(reason="four energies follow platinum above 105 kV to 2-4 % only", strict=True)
@pytest.mark.parametrize(("kvp", "copper"), TOO_HARD[::2])
def test_polychromatic_transmission_with_platinum_at_the_highest_voltages(kvp: float, copper: float) -> None:
    assert worst_error(kvp, copper, platinum=True) < 0.015


@pytest.mark.parametrize(("kvp", "copper"), [(70.0, 0.9), (75.0, 0.2), (81.0, 0.1), (97.0, 0.1), (120.0, 0.0)])
def test_kerma_per_mAs_is_spekpys(kvp: float, copper: float) -> None:
    """Within 5 % of spekpy, and so at voltages between whole ones."""
    for v in (kvp, min(kvp + 0.4, 120.0)):
        assert kerma_uGy(beam(v, copper), 1.0, 1000.0) == pytest.approx(tube(v, copper).get_kerma(), rel=0.05)


@pytest.mark.parametrize(("kvp", "copper"), BEAMS[::4] + [(60.0, 0.9), (120.0, 0.9)])
def test_kerma_and_quanta_behind_water_are_spekpys(kvp: float, copper: float) -> None:
    """Behind 10-35 cm: air kerma over detector signal and noise-equivalent quanta per kerma to 1.5 %, air kerma, which
    exposure control aims at, to 3 %."""
    b, bare = beam(kvp, copper), tube(kvp, copper)
    b = replace(b, mu={**b.mu, "soft": b.mu["water"]})

    def of(s: Any) -> tuple[float, float, float]:
        """Air kerma, detector signal and noise-equivalent quanta per kerma."""
        kev, fluence = s.get_spectrum(edges=False)
        taken = fluence * kev * (1 - np.exp(-0.06 * 4.51 * 0.8 * mu_rho(CSI, kev))) * (kev > 12)
        kerma = s.get_kerma()
        return kerma, taken.sum(), taken.sum() ** 2 / (taken * kev).sum() * 0.5 * 0.9 / 100.0 / kerma

    kerma, signal, _ = of(bare)
    for cm in (10.0, 15.0, 20.0, 25.0, 30.0, 35.0):
        left = type(bare).clone(bare)
        left.filter("Water, Liquid", 10.0 * cm)
        k, s, quanta = of(left)
        assert b.kerma_over_signal(10.0 * cm) == pytest.approx(k / kerma / (s / signal), rel=0.015)
        assert b.quanta_behind(10.0 * cm) == pytest.approx(quanta, rel=0.015)
        assert b.kerma_behind(10.0 * cm) == pytest.approx(k / kerma, rel=0.03)


WIRES = [
    ("steel", 0.36, 0.33), ("steel", 0.89, 0.61), ("nitinol", 0.36, 0.28), ("platinum", 0.1, 0.64),
    ("platinum", 0.3, 0.93), ("tungsten", 0.1, 0.62), ("polymer_tungsten_60", 0.1, 0.086),
    ("polymer_tungsten_60", 0.3, 0.23), ("polymer_baso4_40", 0.3, 0.116),
]


def composition(name: str) -> tuple[dict[str, float], float]:
    found = YAML(typ="safe").load(resource("assets", "xray", "materials.yaml"))["materials"][name]
    return found["composition"], found["density"]


@pytest.mark.parametrize(("material", "thick", "published"), WIRES)
def test_devices_drop_the_primary_as_published(material: str, thick: float, published: float) -> None:
    """Drop of the primary at 80 kVp 0.2 Cu behind 20 cm: within 3 % of its value, of the full spectrum's and of the
    facts' figure (imaging.md 2.1, rounded there to two digits)."""
    b = beam(80.0, 0.2)
    base = b.weight * np.exp(-200.0 * b.mu["soft"])
    drop = 1 - (base @ np.exp(-thick * b.material(material))) / base.sum()
    kev, weight = spectrum(80.0, 0.2)
    behind = weight * np.exp(-20.0 * mu_rho(SOFT, kev))
    parts, density = composition(material)
    full = 1 - (behind @ np.exp(-0.1 * thick * density * mu_rho(parts, kev))) / behind.sum()
    assert drop == pytest.approx(full, rel=0.03)  # the figure below is rounded
    rounding = 0.0005 if round(published, 2) != published else 0.005
    assert abs(drop - published) < 0.03 * published + rounding


@pytest.mark.parametrize(("material", "diameter", "published"), [("steel", 0.36, 0.33), ("nitinol", 0.36, 0.28)])
def test_wires_in_the_picture_drop_the_primary(material: str, diameter: float, published: float) -> None:
    """A 0.014 inch wire across 20 cm of tissue, magnified until its middle is wider than a pixel: the darkest pixel of
    its shadow against the beam beside it. The wire takes the place of blood."""
    geometry = Geometry(field_mm=12.0, pixels=256)
    bench = Bench(geometry, SYSTEM, beam(80.0, 0.2), layers={"w": (Layer(material, diameter, 0.0, 0.0, 99.0),)})
    wire = straight(np.array([1.0, 0.0, 0.0]), 20.0, "w", np.zeros(3), step=1.0)
    primary = bench.primary(Slab(geometry, 200.0), shapes=wire)
    drop = 1 - primary[120:136, 128].min() / primary[4, 128]
    blood = 0.36 * 0.0217  # what the wire displaces attenuates too: 0.8 % of the signal
    assert 1 - (1 - drop) * np.exp(-blood) == pytest.approx(published, rel=0.03, abs=0.005)


@pytest.mark.parametrize("mg_mm", [(300, 1, 0.237), (300, 2, 0.408), (300, 4, 0.63), (300, 6, 0.76), (100, 1, 0.088),
                                   (100, 4, 0.30)])
def test_vessels_drop_the_primary_as_published(mg_mm: tuple[float, float, float]) -> None:
    """Iodine, undiluted and diluted (imaging.md 2.1): 3 % of the drop."""
    mg_mL, mm, published = mg_mm
    b = beam(80.0, 0.2)
    drop = 1 - b.transmission(200.0, iodine_mg_cm2=0.1 * mg_mL * mm) / b.transmission(200.0)
    kev, weight = spectrum(80.0, 0.2)
    behind = weight * np.exp(-20.0 * mu_rho(SOFT, kev))
    full = 1 - (behind @ np.exp(-1e-4 * mg_mL * mm * mu_rho({"I": 1.0}, kev))) / behind.sum()
    assert drop == pytest.approx(full, rel=0.03)
    assert abs(drop - published) < 0.03 * published + 0.0005


def test_a_bare_catheter_is_hardly_seen() -> None:
    b = beam(80.0, 0.2)
    base = b.weight * np.exp(-200.0 * b.mu["soft"])
    assert 1 - (base @ np.exp(-0.9 * b.material("polymer"))) / base.sum() == pytest.approx(0.020, abs=0.001)


def test_every_material_is_there() -> None:
    assert {
        "soft",
        "bone",
        "blood",
        "iodine",
        "platinum",
        "tungsten",
        "steel",
        "nitinol",
        "polymer",
        "lipiodol",
    } <= set(materials())
