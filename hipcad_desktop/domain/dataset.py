"""The dataset that leaves a project: 380 x 380 hip images and a manifest that names every decision, and no person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.cohort import Partition, PartitionRule
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.metrics import Estimate

# Older ones are still read. 1: no hospital, scanner, sex, age band, flags and rectangle; 2: no squares about the hips.
SCHEMA = 3
MANIFEST_NAME = "dataset.json"
HIPS_NAME = "hips.csv"
IMAGES_FOLDER = "images"
SAFE_FACTS = ("width_share", "reason", "half", "inside_share")  # numbers and words of our own


@dataclass(frozen=True, slots=True)
class HipEntry:
    """One hip image: a row of hips.csv. Paths are relative to the dataset; pixels are 8-bit grey, 380 x 380."""

    image: str  # images/<film_code>_<R|L>_<halving>.png
    sha256: str  # of the image file
    film_code: str  # first 12 digits of the film's id
    patient: str  # pseudonym, P0001
    partition: Partition
    side: Side
    side_source: str
    fracture: bool
    pair_has_fracture: bool  # the other hip or this one is broken: "other-hip negatives" are told apart by it
    fracture_type: str
    halving: HalvingMethod
    x0_px: float
    x1_px: float
    line_px: float
    margin_share: float | None
    overlap_share: float | None
    film_width: int
    film_height: int
    mapping_rule: str
    mapping_low: float
    mapping_high: float
    hospital: str = ""  # the label that a person gave at the import
    scanner: str = ""  # manufacturer and model, no serial number and no station
    sex: str = ""  # M, F or O
    age_band: str = ""  # ten years wide: "<50", "50-59", ... "80-89", "90+"
    flags: str = ""  # FilmFlag values of the film, joined by "; "
    rect_x0_px: float | None = None  # union of this hip's rectangles, in pixels of the film; None: it has none
    rect_y0_px: float | None = None
    rect_x1_px: float | None = None
    rect_y1_px: float | None = None
    synthetic: bool = False  # made from a whole film by program (workflows.synthesize); never in a test partition
    window_y0: float | None = None  # of a square about the hip, in pixels of the film; None: a strip of full height
    window_y1: float | None = None

    @property
    def window(self) -> Window:
        """The part of the film that the image shows; a square may leave the film."""
        return Window(self.x0_px, self.x1_px, self.window_y0, self.window_y1)


@dataclass(frozen=True, slots=True)
class NotExported:
    """A film that is not in the dataset, and why. file_name is told to the person who exports, and never written."""

    film_code: str
    file_name: str
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Why, in words."""
        return sentence(UserError(ErrorCode(self.code), **self.facts))

    def to_json(self) -> dict[str, Any]:
        """A JSON object without anything that could name a person: no file name, no path, no free text."""
        return {
            "film_code": self.film_code,
            "code": self.code,
            "facts": {name: self.facts[name] for name in SAFE_FACTS if name in self.facts},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> NotExported:
        """Back from to_json, without the file's name. Raises KeyError or TypeError where it is none."""
        return cls(values["film_code"], "", values["code"], dict(values["facts"]))


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What was made by program: hips, from how many whole films, for which partitions, and whether it can be told."""

    hips: int
    bases: int
    unusable: int  # whole films whose hips could not be taken apart
    partitions: tuple[str, ...]
    broken: int | None = None  # of the hips; None: half of them (made before it could be chosen)
    types: Mapping[str, int] = field(default_factory=dict)  # broken hips by type
    probe: Estimate | None = None  # AUC of hips left whole by the synthesis against the same hips as they were

    @property
    def words(self) -> str:
        """One or two sentences for cards, reports and the screen."""
        synthetic = "validation" in self.partitions
        validation = "validation is synthetic too, of other patients" if synthetic else "validation is real"
        half = self.broken is None or 2 * self.broken == self.hips
        broken = "half of them" if half else f"{self.broken} of them"
        made = (
            f"Made by program from {self.bases} whole films: {self.hips} synthetic hips, {broken} broken; "
            f"{validation}; test is real."
        )
        return f"{made} {self.probe_words}".strip()

    @property
    def probe_words(self) -> str:
        """Whether the synthesis can be seen, in a sentence; "" where nobody looked."""
        probe = self.probe
        if probe is None:
            return ""
        asked = "Hips that it left whole, against the same hips as they were (AUC 0.5: no trace of it)"
        if probe.value is None or probe.low is None or probe.high is None:
            return f"{asked}: not measured, {probe.reason}."
        return f"{asked}: {probe.value:.2f} (95 % interval {probe.low:.2f} to {probe.high:.2f}), n = {probe.n}."

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Synthesis:
        """Back from a JSON object; older ones lack some. Raises KeyError or TypeError where it is none."""
        probe = values.get("probe")
        told = None if probe is None else Estimate(**probe)
        return cls(**{**values, "partitions": tuple(values["partitions"]), "probe": told})


@dataclass(frozen=True, slots=True)
class DatasetManifest:
    """dataset.json: how the hips were made, how many there are, what was left out."""

    schema: int
    program_version: str
    seed: int
    share_validation: float  # of the films, as reached
    share_test: float
    overlap_share: float  # of the diagnosis halving: median training window share minus 1/2 (METHOD 3.4)
    mapping_rules: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]  # partition -> patients, films, fracture, no_fracture
    hips_sha256: str  # of hips.csv: the data hash that runs and cards carry
    not_exported: tuple[NotExported, ...]
    notice: str
    rule: PartitionRule | None = None  # as asked; None in schema 1
    linked_patients: tuple[tuple[str, ...], ...] = ()  # pseudonyms that share a film's pixels: one partition, always
    partitioned_from: str = ""  # hips_sha256 of the dataset that was partitioned again; overlap_share is its export's
    synthesis: Synthesis | None = None  # None: every hip is as it was
    openings_before: int = 0  # how often the test partitions of the datasets before it had been opened
    without_squares: tuple[NotExported, ...] = ()  # films of the dataset that have no squares about their hips, and why

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            **asdict(replace(self, not_exported=(), without_squares=())),
            "mapping_rules": list(self.mapping_rules),
            "not_exported": [n.to_json() for n in self.not_exported],
            "without_squares": [n.to_json() for n in self.without_squares],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DatasetManifest:
        """Back from to_json. Raises KeyError or TypeError where it is no manifest."""
        kept = dict(values)
        kept["mapping_rules"] = tuple(kept["mapping_rules"])
        kept["not_exported"] = tuple(NotExported.from_json(n) for n in kept["not_exported"])
        kept["without_squares"] = tuple(NotExported.from_json(n) for n in kept.get("without_squares", ()))
        if kept.get("rule") is not None:
            rule = kept["rule"]
            kept["rule"] = PartitionRule(rule["validation"], rule["test"], tuple(rule["held_out"]))
        if kept.get("synthesis") is not None:
            kept["synthesis"] = Synthesis.from_json(kept["synthesis"])
        kept["linked_patients"] = tuple(tuple(linked) for linked in kept.get("linked_patients", ()))
        return cls(**kept)


def age_band(years: int | None) -> str:
    """Ten years wide from 50, all from 90 on together (older ones are few enough to be known); "" where not known."""
    if years is None:
        return ""
    if years < 50:
        return "<50"
    return f"{years // 10 * 10}-{years // 10 * 10 + 9}" if years < 90 else "90+"


def partition_doubts(counts: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    """A sentence for every partition that is empty or has one class only: something cannot be trained or measured."""
    told = []
    for name, own in counts.items():
        if not own["films"]:
            told.append(f"The {name} partition is empty.")
        elif not own["fracture"]:
            told.append(f"The {name} partition has no hip with a fracture.")
        elif not own["no_fracture"]:
            told.append(f"The {name} partition has no hip without a fracture.")
    return tuple(told)


def partition_counts(entries: Iterable[HipEntry]) -> dict[str, dict[str, int]]:
    """Per partition: patients, films, and hips with and without fracture (a hip counts once, not once an image)."""
    held = list(entries)
    counts = {}
    for partition in Partition:
        own = [e for e in held if e.partition is partition]
        hips = {(e.film_code, e.side): e.fracture for e in own}
        counts[partition.value] = {
            "patients": len({e.patient for e in own}),
            "films": len({e.film_code for e in own}),
            "fracture": sum(hips.values()),
            "no_fracture": len(hips) - sum(hips.values()),
        }
    return counts
