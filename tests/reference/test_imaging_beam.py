"""The shipped four-energy tables against xraydb and full spekpy spectra."""

import numpy as np
import pytest

from trainer.imaging.beam import beam, materials

xraydb = pytest.importorskip("xraydb", reason="xraydb is a development dependency")

SOFT = {"H": 0.102, "C": 0.143, "N": 0.034, "O": 0.708, "Na": 0.002, "P": 0.003, "S": 0.003, "Cl": 0.002, "K": 0.003}
BONE = {"H": 0.034, "C": 0.155, "N": 0.042, "O": 0.435, "Na": 0.001, "Mg": 0.002, "P": 0.103, "S": 0.003, "Ca": 0.225}
CSI = {"Cs": 0.5115, "I": 0.4885}


def mu_rho(parts: dict[str, float], kev: np.ndarray) -> np.ndarray:
    return sum(w * xraydb.mu_elam(el, np.asarray(kev) * 1e3) for el, w in parts.items())


@pytest.mark.parametrize(("kvp", "copper"), [(70.0, 0.3), (80.0, 0.1), (100.0, 0.1)])
def test_monochromatic_coefficients(kvp: float, copper: float) -> None:
    """Each node is a real energy for soft tissue, bone and iodine: 0.5 % (interpolation of the table's grid)."""
    b = beam(kvp, copper)
    assert b.mu["soft"] * 10 == pytest.approx(mu_rho(SOFT, b.energy_kev), rel=0.005)
    assert b.mu["bone"] * 10 / 1.92 == pytest.approx(mu_rho(BONE, b.energy_kev), rel=0.005)
    far = np.abs(b.energy_kev - 33.17) > 1.0  # the K edge itself
    assert b.mu["iodine"][far] * 1000 == pytest.approx(mu_rho({"I": 1.0}, b.energy_kev)[far], rel=0.005)


def spectrum(kvp: float, copper: float) -> tuple[np.ndarray, np.ndarray]:
    spekpy = pytest.importorskip("spekpy", reason="spekpy is needed only to remake the tables")
    s = spekpy.Spek(kvp=kvp, th=12.0, dk=0.5)
    s.filter("Al", 2.5)
    if copper:
        s.filter("Cu", copper)
    kev, fluence = s.get_spectrum(edges=False)
    keep = (kev > 12) & (fluence > 0)
    kev, fluence = kev[keep], fluence[keep]
    signal = fluence * kev * (1 - np.exp(-0.06 * 4.51 * 0.8 * mu_rho(CSI, kev)))
    return kev, signal / signal.sum()


@pytest.mark.parametrize(("kvp", "copper", "most"), [(70.0, 0.3, 0.015), (82.0, 0.1, 0.015), (100.0, 0.1, 0.015)])
def test_polychromatic_transmission(kvp: float, copper: float, most: float) -> None:
    """10-35 cm of tissue, 0-4 cm of bone, 0-0.4 g/cm2 of iodine: 1.5 % of the full sum. 82 kV is interpolated."""
    kev, weight = spectrum(kvp, copper)
    b = beam(kvp, copper)
    mu = [mu_rho(m, kev) for m in (SOFT, BONE, {"I": 1.0})]
    rng = np.random.default_rng(3)
    for _ in range(300):
        soft = rng.uniform(100, 350)
        bone, iodine = rng.uniform(0, 40) * (rng.random() < 0.6), rng.uniform(0, 400) * (rng.random() < 0.6)
        y = 0.1 * soft * mu[0] + 0.192 * bone * mu[1] + 1e-3 * iodine * mu[2]
        assert b.transmission(soft, bone, iodine) == pytest.approx(float(weight @ np.exp(-y)), rel=most)


@pytest.mark.parametrize(
    ("material", "thickness", "low", "high"),
    [
        ("platinum", 0.1, 0.60, 0.68),
        ("tungsten", 0.1, 0.58, 0.66),
        ("steel", 0.36, 0.31, 0.35),
        ("nitinol", 0.36, 0.26, 0.30),
        ("polymer_baso4_40", 0.3, 0.105, 0.125),
        ("polymer_tungsten_60", 0.3, 0.21, 0.25),
        ("polymer", 0.9, 0.015, 0.025),
    ],
)
def test_devices_drop_the_signal_as_published(material: str, thickness: float, low: float, high: float) -> None:
    """Signal drop at 80 kVp 0.2 Cu behind 20 cm (imaging.md 2.1, computed there on its own)."""
    b = beam(80.0, 0.2)
    base = b.weight * np.exp(-200.0 * b.mu["soft"])
    drop = 1 - (base @ np.exp(-thickness * b.material(material))) / base.sum()
    assert low < drop < high


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
