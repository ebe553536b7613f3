"""Fluids, what they carry, and the constants of blood and tissue, read from assets/fluids."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from trainer.errors import ScenarioError, at_line, nearest
from trainer.flow.types import Floats
from trainer.resources import resource
from trainer.textfile import StrictModel, line_of, read_model

Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Organs = Mapping[Literal["tumor", "liver", "other"], Share]


class Species(StrictModel):
    """Something that blood carries."""

    kind: Literal["contrast", "drug", "embolic", "relaxant", "anesthetic"]
    """A relaxant ends spasm; it counts as no drug."""
    label: str
    extraction: Organs = Field(default_factory=dict)
    """Of a drug: share taken up in one passage at rest, by organ."""
    diameter_um: tuple[Positive, Positive] = (1.0, 1.0)
    """Of an embolic: smallest and largest sphere."""
    spread_um: Positive = 1.0
    passes: Organs = Field(default_factory=dict)
    """Of an embolic: share that slips through tissue by organ, beside what shunts let through (oil)."""
    blocks: Positive = 1.0
    """Of an embolic: how much a mL of it closes, as a share of what spheres close."""
    iodine_mg_mL: Annotated[float, Field(ge=0.0)] = 0.0
    """Iodine in it, which X-ray sees wherever it lies (oil)."""
    drug: str = ""
    """Of an embolic: the drug bound to it."""
    drug_mg_mL: Annotated[float, Field(ge=0.0)] = 0.0


class Fluid(StrictModel):
    """Something that can be injected; contents are amounts of species per mL."""

    label: str
    viscosity_mPa_s: Positive
    contrast_mL: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    contents: Mapping[str, Positive]


class _SpeciesFile(StrictModel):
    format: Literal[1]
    species: Mapping[str, Species]


class _FluidsFile(StrictModel):
    format: Literal[1]
    fluids: Mapping[str, Fluid]


class TransitShares(StrictModel):
    arterioles: Positive
    tissue: Positive
    venules: Positive


class Embolization(StrictModel):
    capacity_s: Positive
    packing: Positive
    plug_diameters: Positive
    shunt_capacity_s: Positive
    """mL of spheres too wide for a shunt that close it, per mL/s of its flow."""
    settled_blocks: Annotated[float, Field(gt=0.0, le=1.0)]
    settling_s: Positive
    shunt_share: Organs
    shunt_um: Mapping[Literal["tumor", "liver", "other"], Positive]


class Dilation(StrictModel):
    """What contrast does to arterioles."""

    resistance: Annotated[float, Field(gt=0.0, le=1.0)]
    """Of a bed full of contrast, over that at rest."""
    full_mg_mL: Positive
    lag_s: Positive
    recovery_s: Positive


class Pain(StrictModel):
    """What closing arterioles feel like; see `comfort`."""

    per_mL_s: Positive
    """Pain of closing tissue that took 1 mL/s."""
    fades_s: Positive
    half_mg: Positive
    """Lidocaine in the tissue that gives half of the most relief."""
    most_relief: Share
    lasts_s: Positive


class Breathed(StrictModel):
    """What full inspiration does to pressures, mmHg."""

    aortic_falls: Annotated[float, Field(ge=0.0, le=20.0)]
    liver_rises: Annotated[float, Field(ge=0.0, le=20.0)]


class Hemodynamics(StrictModel):
    """Constants of beds, embolization and hands."""

    format: Literal[1]
    bed_pressure_mmHg: Positive
    bed_time_s: Positive
    bed_proximal_share: Share
    transit_shares: TransitShares
    embolization: Embolization
    contrast_dilation: Dilation
    breathing_mmHg: Breathed
    pain: Pain
    syringe_psi: Mapping[int, Positive]


@dataclass(frozen=True, slots=True)
class Pharmacy:
    """All species in a fixed order, and all fluids."""

    names: tuple[str, ...]
    species: tuple[Species, ...]
    fluids: Mapping[str, Fluid]

    def index(self, name: str) -> int:
        return self.names.index(name)

    def contents(self, fluid: str) -> Floats:
        """Amount of each species per mL of a fluid, (S,)."""
        out = np.zeros(len(self.names))
        for name, amount in self.fluids[fluid].contents.items():
            out[self.index(name)] = amount
        return out

    def of_kind(self, kind: str) -> list[int]:
        return [i for i, s in enumerate(self.species) if s.kind == kind]


def load_pharmacy() -> Pharmacy:
    """The shipped fluids and species. Raises ScenarioError with file and line on a contradiction."""
    species = read_model(_SpeciesFile, resource("assets", "fluids", "species.yaml"))[0].species
    path = resource("assets", "fluids", "fluids.yaml")
    file, node = read_model(_FluidsFile, path)
    for name, fluid in file.fluids.items():
        for key in fluid.contents:
            if key not in species:
                raise ScenarioError(f"fluid '{name}' contains the unknown species '{key}'.",
                                    where=at_line(path, line_of(node, ("fluids", name, "contents"))),
                                    mend=nearest(key, species))
    return Pharmacy(tuple(species), tuple(species.values()), dict(file.fluids))


def load_hemodynamics() -> Hemodynamics:
    """The shipped constants."""
    return read_model(Hemodynamics, resource("assets", "fluids", "hemodynamics.yaml"))[0]


def smaller_share(species: Species, diameter_um: Floats) -> Floats:
    """Share of an embolic's spheres that are smaller than given diameters, (N,) um.

    Normal about the middle of the size range, cut off at its ends.
    """
    low, high = species.diameter_um
    middle = 0.5 * (low + high)

    def cdf(x: float) -> float:
        return 0.5 * (1.0 + math.erf((x - middle) / (species.spread_um * math.sqrt(2.0))))

    clipped = np.clip(diameter_um, low, high)
    return np.array([(cdf(x) - cdf(low)) / (cdf(high) - cdf(low)) for x in clipped.ravel()]).reshape(
        np.shape(diameter_um))


def organ_class(organ: str) -> Literal["tumor", "liver", "other"]:
    """The class of tissue that constants are given for."""
    if organ == "tumor":
        return "tumor"
    return "liver" if organ == "liver" else "other"
