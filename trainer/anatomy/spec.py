"""The patient as a file describes it: the `patient:` section of a scenario, and the anatomy templates."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trainer.textfile import StrictModel

Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Point = tuple[float, float, float]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Segment = Literal["1", "2", "3", "4", "5", "6", "7", "8"]
Diameters = tuple[
    Annotated[float, Field(gt=0.0, le=60.0)],
    Annotated[float, Field(gt=0.0, le=60.0)],
]


class CourseSpec(StrictModel):
    """Another way for a vessel to run, chosen by name."""

    parent: Name | None = None
    waypoints_mm: Annotated[tuple[Point, ...], Field(min_length=2)]


class StenosisSpec(StrictModel):
    """A narrowing of one vessel. Beds are those of the healthy vessel: what it costs them follows."""

    at_mm: Annotated[float, Field(ge=0.0)]
    """Its middle, along the vessel from its origin."""
    length_mm: Annotated[float, Field(gt=0.0, le=60.0)] = 8.0
    diameter_share: Annotated[float, Field(ge=0.02, lt=1.0)] = 0.4
    """Diameter left at its narrowest."""


class VesselSpec(StrictModel):
    """One vessel. In a variant or a scenario, only the keys that differ from the template are given."""

    parent: Name | None = None
    diameter_mm: Diameters | None = None
    waypoints_mm: Annotated[tuple[Point, ...], Field(min_length=2)] | None = None
    """From the parent's centerline outward, LPS mm."""
    breathing: Share | None = None
    """Share of the liver's displacement at the distal end; without it, that of the origin."""
    flow_mL_min: Annotated[float, Field(gt=0.0, le=10000.0)] | None = None
    """Mean flow at rest of what the vessel's own end feeds (not of its children)."""
    territory: Name | None = None
    joins: Name | None = None
    """Another vessel into which the distal end opens, so that blood can come from either side (an arcade)."""
    stenosis: StenosisSpec | None = None
    tree: Segment | None = None
    """Couinaud segment whose generated tree grows from this artery."""
    courses: dict[Name, CourseSpec] = Field(default_factory=dict)
    source: tuple[str, str, str] | None = None
    """Keys of the sources of diameter, course and flow."""
    remove: bool = False


class TerritorySpec(StrictModel):
    """Tissue of a named bed. center_mm and semi_axes_mm describe its blush."""

    organ: Name
    center_mm: Point
    semi_axes_mm: tuple[Positive, Positive, Positive]
    tissue_mL: Positive
    transit_s: Positive
    vein: str = ""
    breathing: Share = 0.0


class AccessSpec(StrictModel):
    """A sheath: where the artery is punctured and how far up the sheath reaches."""

    puncture: Name
    puncture_share: Share
    """Share of the punctured vessel's length, from its proximal end."""
    sheath_mm: Positive
    sheath_inner_mm: Positive


class TemplateSpec(StrictModel):
    """An anatomy file of assets/anatomy."""

    format: Literal[1]
    name: Name
    title: str
    from_: Name | None = Field(default=None, alias="from")
    sources: dict[str, str] = Field(default_factory=dict)
    access: dict[Name, AccessSpec] = Field(default_factory=dict)
    vessels: dict[Name, VesselSpec] = Field(default_factory=dict)
    territories: dict[Name, TerritorySpec] = Field(default_factory=dict)


class FeederSpec(StrictModel):
    """The one artery that feeds a tumor."""

    parent: Name | None = None
    """Vessel it leaves; without it, the artery of the tumor's segment."""
    diameter_mm: Diameters = (1.3, 1.0)
    length_mm: tuple[Positive, Positive] = (15.0, 35.0)
    """Shortest and longest length allowed."""


class ShuntSpec(StrictModel):
    """A shunt at the end of the tumor's feeder. Unverified: calibers and flows of shunts were not measured."""

    into: Literal["portal", "hepatic"] = "portal"
    """Portal branch of the tumor's segment, or hepatic vein."""
    flow_mL_min: Annotated[float, Field(gt=0.0, le=600.0)] = 60.0
    """What it would take at a full arterial pressure of 80 mmHg over the vein; the feeder's own loss leaves less."""
    caliber_um: Annotated[float, Field(gt=0.0, le=3000.0)] = 250.0
    """Widest sphere that passes."""


class ParasiticSpec(StrictModel):
    """A second feeder from an artery outside the liver, which supplies part of the tumor's rim."""

    parent: Name = "right_inferior_phrenic_artery"
    share: Annotated[float, Field(gt=0.0, lt=0.9)] = 0.3
    """Of the tumor's flow and volume."""
    diameter_mm: Diameters = (1.2, 0.9)
    longest_mm: Annotated[float, Field(gt=0.0, le=120.0)] = 60.0


class TumorSpec(StrictModel):
    """A hypervascular tumor with its own bed."""

    name: Name = "tumor"
    segment: Segment = "8"
    diameter_mm: Annotated[float, Field(ge=8.0, le=80.0)] = 30.0
    center_mm: Point | None = None
    """Without it, a place deep enough in the segment is chosen by the seed."""
    vessels: Annotated[int, Field(ge=6, le=12)] = 8
    flow_mL_min: Positive | None = None
    """Mean flow at rest; without it, by volume from the template of distal trees."""
    feeder: FeederSpec = FeederSpec()
    shunt: ShuntSpec | None = None
    parasitic: ParasiticSpec | None = None


class BreathingSpec(StrictModel):
    rate_per_min: Annotated[float, Field(gt=0.0, le=60.0)] = 14.0
    amplitude_mm: Point = (1.0, -3.0, -12.0)
    """Liver displacement at full inspiration (LPS). Unverified: quiet breathing, 10-15 mm caudal."""
    hold_drift_mm: Annotated[float, Field(ge=0.0, le=10.0)] = 1.5


class HeartSpec(StrictModel):
    """Defaults: facts on reference pressures, 120/75-80 mean 93 mmHg (unverified)."""

    rate_bpm: Annotated[float, Field(ge=30.0, le=200.0)] = 70.0
    systolic_mmHg: Annotated[float, Field(gt=0.0, le=300.0)] = 120.0
    diastolic_mmHg: Annotated[float, Field(gt=0.0, le=200.0)] = 78.0
    mean_mmHg: Annotated[float, Field(gt=0.0, le=250.0)] = 93.0

    @model_validator(mode="after")
    def _ordered(self) -> HeartSpec:
        if not self.diastolic_mmHg < self.mean_mmHg < self.systolic_mmHg:
            raise ValueError("pressures must rise from diastolic over mean to systolic")
        return self


class BodySpec(StrictModel):
    """What X-ray shows of the body around the vessels."""

    size: Annotated[float, Field(ge=0.6, le=1.8)] = 1.0
    """Girth of the built-in body, 1 as measured."""
    clips: Annotated[int, Field(ge=0, le=12)] = 0
    """Metal clips of a gallbladder that was taken out, in the built-in body."""
    ct: Annotated[str, Field(min_length=1, max_length=400)] | None = None
    """A body file made by `import ct`, in place of the built-in body. Relative to the case file."""


class PatientSpec(StrictModel):
    """The `patient:` section of a scenario."""

    anatomy: Name = "michels_1"
    """A file of assets/anatomy."""
    celiac_course: Name = "level"
    cystic_origin: Name = "right_hepatic_artery"
    courses: dict[Name, Name] = Field(default_factory=dict)
    """Other courses by vessel, among those its template offers."""
    access: Name = "right_femoral"
    puncture: Literal["placed", "trainee"] = "placed"
    """Whether the sheath is in place at the start, or the trainee punctures the artery."""
    tumors: tuple[TumorSpec, ...] = (TumorSpec(),)
    vessels: dict[Name, VesselSpec] = Field(default_factory=dict)
    """Changes to the template's vessels, and vessels of this patient's own."""
    territories: dict[Name, TerritorySpec] = Field(default_factory=dict)
    breathing: BreathingSpec = BreathingSpec()
    heart: HeartSpec = HeartSpec()
    body: BodySpec = BodySpec()
    viscosity_mPa_s: Annotated[float, Field(ge=1.0, le=10.0)] = 3.5
