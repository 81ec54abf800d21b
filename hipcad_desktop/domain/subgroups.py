"""Figures of a part of the hips: by type of fracture, hospital, machine, sex, age, findings, side, kind of negative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hipcad_desktop.domain.metrics import Estimate, Proportion

TYPE = "type"
TYPE_GROUP = "type group"
HOSPITAL = "hospital"
SCANNER = "scanner"
SEX = "sex"
AGE = "age"
FINDINGS = "implant and other findings"
SIDE = "side"
NEGATIVES = "negatives"

KINDS = (TYPE, TYPE_GROUP, HOSPITAL, SCANNER, SEX, AGE, FINDINGS, SIDE, NEGATIVES)  # as the report lists them
UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One part of a halving's hips. Parts of one kind may overlap (findings: a film can show several).

    Types and type groups are parts of the broken hips, set against all whole hips of the partition; negatives are parts
    of the whole hips, set against all broken ones. Every other kind takes its own broken and whole hips.
    """

    kind: str  # one of KINDS
    name: str
    hips: int
    fracture: int
    no_fracture: int
    patients: int
    auc: Estimate
    sensitivity: Mapping[str, Proportion]  # by operating point name
    specificity: Mapping[str, Proportion]
