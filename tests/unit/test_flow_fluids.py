"""Fluids and constants as shipped."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from trainer.errors import ScenarioError
from trainer.flow.fluids import load_hemodynamics, load_pharmacy, smaller_share


def test_shipped_fluids() -> None:
    pharmacy = load_pharmacy()
    assert {"contrast_300", "contrast_350", "saline", "doxorubicin_solution", "deb_100_300",
            "deb_300_500"} <= set(pharmacy.fluids)
    assert pharmacy.contents("contrast_300")[pharmacy.index("iodine")] == 300.0
    assert not pharmacy.contents("saline").any()
    for name in pharmacy.fluids:
        solids = sum(pharmacy.contents(name)[s] for s in pharmacy.of_kind("embolic"))
        assert solids + pharmacy.fluids[name].contrast_mL <= 1.0
    for s in pharmacy.of_kind("embolic"):
        species = pharmacy.species[s]
        assert not species.drug or species.drug in pharmacy.names


def test_size_distribution() -> None:
    pharmacy = load_pharmacy()
    species = pharmacy.species[pharmacy.index("beads_100_300")]
    shares = smaller_share(species, np.array([50.0, 100.0, 150.0, 200.0, 300.0, 1000.0]))
    assert shares[[0, 1]] == pytest.approx([0.0, 0.0])
    assert shares[3] == pytest.approx(0.5)
    assert shares[[4, 5]] == pytest.approx([1.0, 1.0])
    assert np.all(np.diff(shares) >= 0.0)


def test_syringe_pressures_fall_with_size() -> None:
    psi = load_hemodynamics().syringe_psi
    sizes = sorted(psi)
    assert all(psi[a] > psi[b] for a, b in pairwise(sizes))


def test_unknown_species_is_reported_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.flow import fluids

    folder = tmp_path
    for name in ("species.yaml", "fluids.yaml"):
        text = fluids.resource("assets", "fluids", name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("{iodine: 350.0}", "{iodin: 350.0}"), encoding="utf-8")
    monkeypatch.setattr(fluids, "resource", lambda *parts: folder / parts[-1])
    with pytest.raises(ScenarioError, match=r"fluids\.yaml:\d+.*iodin.*iodine"):
        load_pharmacy()
