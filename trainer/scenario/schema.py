"""A case as one YAML file: who the patient is, what is asked, what lies on the table, how it is scored."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from trainer.anatomy.spec import PatientSpec, Segment
from trainer.scoring.rubric import Rubric
from trainer.textfile import StrictModel

FORMAT = 1
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Line = Annotated[str, Field(min_length=1, max_length=240)]
Positive = Annotated[float, Field(gt=0)]


class Documented(StrictModel):
    """A model whose field docstrings become the explanations in the exported schema."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


UMOL_L_PER_MG_DL = 17.1
"""Bilirubin."""


class Labs(Documented):
    """Blood values of the briefing. eGFR enters the score (contrast), bilirubin and albumin what a dose does to the
    liver."""

    egfr_mL_min: Positive
    """mL/min/1.73 m2."""
    creatinine_mg_dL: Positive | None = None
    bilirubin_mg_dL: Positive | None = None
    albumin_g_L: Positive | None = None
    inr: Positive | None = None
    platelets_G_L: Positive | None = None
    afp_ng_mL: Positive | None = None

    def albi(self) -> tuple[float, int] | None:
        """ALBI score and grade 1-3, None without bilirubin or albumin: 0.66 log10(bilirubin, umol/L) - 0.085 albumin,
        g/L; grade 1 up to -2.60, 2 up to -1.39 (clinical 4, unverified)."""
        if self.bilirubin_mg_dL is None or self.albumin_g_L is None:
            return None
        score = 0.66 * math.log10(UMOL_L_PER_MG_DL * self.bilirubin_mg_dL) - 0.085 * self.albumin_g_L
        return score, 1 if score <= -2.60 else 2 if score <= -1.39 else 3


class History(Documented):
    """What the briefing tells about the patient."""

    age: Annotated[int, Field(ge=18, le=110)]
    sex: Literal["female", "male"]
    weight_kg: Positive | None = None
    diagnosis: Line
    child_pugh: Literal["A5", "A6", "B7", "B8", "B9", "C10", "C11", "C12", "C13", "C14", "C15"]
    """Class and points."""
    story: Text
    """History."""
    imaging: Text
    """Finding of the planning CT or MRI."""
    labs: Labs
    """Blood values."""


class TargetSpec(Documented):
    """What is to be treated."""

    tumor: Name = "tumor"
    """A tumor of `patient.tumors`."""
    feeder: Name = "tumor_feeder"
    """The vessel that feeds it."""
    segment: Segment
    """Couinaud segment of the tumor."""
    survey: tuple[Name, ...] = ()
    """Vessels off the way that may be entered to look for variants without a wrong-branch entry."""


class Plan(Documented):
    """What is to be given, and until when."""

    drug: Name | None = None
    """Fluid with the drug, one of `fluids`."""
    drug_mg: Positive | None = None
    """Amount wanted."""
    embolic: Name
    """Fluid with the embolic, one of `fluids`."""
    end_point: Line
    """When to stop, in words."""
    text: Text


class Approach(Documented):
    """One good way to do it. Shown as a hint and used by the simulated operators."""

    trunk: Name
    """First vessel to cannulate from the aorta."""
    catheter: Name
    """Base catheter, one of `devices`."""
    wire: Name
    """Wire for it."""
    microcatheter: Name
    """Coaxial inner catheter."""
    microwire: Name
    """Wire for the microcatheter."""
    view: Annotated[str, Field(pattern=r"^(LAO|RAO) \d{1,2} (CRA|CAU) \d{1,2}$")] = "RAO 0 CRA 0"
    """Working view that opens the branchings on the way."""


class Teaching(Documented):
    """For the trainee: before (goals, hazards), during (hints), after (debrief)."""

    goals: Annotated[tuple[Line, ...], Field(min_length=1)]
    """What the case trains; shown before it begins."""
    hazards: tuple[Line, ...] = ()
    """What can go wrong here."""
    hints: tuple[Line, ...] = ()
    """Help on request; not in an exam."""
    debrief: Text
    """What to take home."""


class Band(Documented):
    """Range of a figure by experience, low and high."""

    expert: tuple[float, float]
    """Low and high of practiced operators."""
    trainee: tuple[float, float]
    """Low and high of beginners."""
    unit: Line
    source: Line
    """Where the figures come from, or `unverified`."""

    @model_validator(mode="after")
    def _ordered(self) -> Band:
        if self.expert[0] > self.expert[1] or self.trainee[0] > self.trainee[1]:
            raise ValueError("each range goes from low to high")
        return self


class Benchmarks(Documented):
    """What practiced operators need in this case; shown beside the trainee's figures."""

    fluoro_time: Band
    kap: Band
    contrast: Band
    procedure_time: Band


class Scenario(Documented):
    """One case."""

    format: Literal[1]
    """Number of the file format; this program writes and reads 1."""
    id: Name
    """Unique name; by custom that of the file."""
    title: Line
    """Shown in the case list."""
    summary: Line
    """One sentence for the case list."""
    difficulty: Literal["easy", "medium", "hard"]
    """Orders the case list."""
    minutes: Positive = 30
    """Time a trainee should plan for."""
    history: History
    """The briefing."""
    patient: PatientSpec
    """The patient on the table: anatomy, tumors, changes to vessels."""
    target: TargetSpec
    """What is to be treated."""
    devices: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Devices on the table, by id of assets/devices."""
    fluids: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Fluids on the table, by id of assets/fluids."""
    coils: tuple[Name, ...] = ()
    """Coils on the table, by id of assets/coils."""
    plan: Plan
    """What is to be given, and until when."""
    approach: Approach
    """One good way to do it."""
    teaching: Teaching
    """For the trainee."""
    rubric: Rubric
    """How measures become points."""
    benchmarks: Benchmarks
    """Figures of practiced operators."""
    notes: str = ""
    """For instructors; never shown to the trainee."""
