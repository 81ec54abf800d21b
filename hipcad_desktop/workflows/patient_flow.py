"""The flow diagram of a project: values as JSON, the picture as SVG and PNG."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.errors import ErrorCode
from hipcad_desktop.domain.flow import FlowExit, FlowPart, FlowStep, PatientFlow
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.imaging.diagram import Arrow, Box, Diagram, box_width, to_png, to_svg
from hipcad_desktop.store import films as film_store
from hipcad_desktop.store.films import FilmRow
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.export_dataset import RULE, SEED, plan_project
from hipcad_desktop.workflows.export_plan import ExportPlan, film_code
from hipcad_desktop.workflows.write_whole import write_whole

JSON_NAME, SVG_NAME, PNG_NAME = "flow.json", "flow.svg", "flow.png"
UNDECIDED: Mapping[str, str] = {
    ErrorCode.NOT_EXPORTED_UNSURE.value: "reader unsure",
    ErrorCode.NOT_EXPORTED_DISAGREE.value: "readers disagree",
}
NOT_USABLE: Mapping[str, str] = {
    ErrorCode.NOT_HALVED_RECTANGLE_TOO_WIDE.value: "rectangle wider than the other hip's window",
    ErrorCode.NOT_HALVED_WINDOW_TOO_NARROW.value: "less than a quarter of the film left for a hip",
    ErrorCode.NOT_HALVED_NO_GAP.value: "no gap between the two hips' rectangles",
    ErrorCode.NOT_HALVED_NO_MIDLINE.value: "no midline found",
    ErrorCode.NOT_HALVED_SIDE_UNCLEAR.value: "side of a rectangle not clear",
    ErrorCode.FILE_MISSING.value: "file missing",
    ErrorCode.FILM_CHANGED.value: "file changed since import",
}
GAP, MARGIN, SIDE_GAP = 34.0, 24.0, 44.0


def patient_flow(project: Project) -> PatientFlow:
    """Where every film of the project is: as an export with the usual seed and rule would take them."""
    plan, _ = plan_project(project, seed=SEED, rule=RULE)
    rows = {film_code(row): row for row in film_store.film_rows(project, reader=None)}
    return flow_of(rows, plan)


def flow_of(rows: Mapping[str, FilmRow], plan: ExportPlan) -> PatientFlow:
    """The values, from the films by code and what an export would do with them."""
    why: dict[str, tuple[str, str]] = {}  # film -> where it leaves, and the words for it
    for left in plan.left_out:
        if left.code == ErrorCode.NOT_EXPORTED_UNREAD.value:
            refused = rows[left.film_code].refusal is not None
            words = "the program saw no frontal pelvis with both hips" if refused else "not read yet"
            why[left.film_code] = ("unread", words)
        elif left.code == ErrorCode.NOT_EXPORTED_EXCLUDED.value:
            why[left.film_code] = ("excluded", str(left.facts.get("reason", "other")))
        elif left.code in UNDECIDED:
            why[left.film_code] = ("undecided", UNDECIDED[left.code])
        else:
            why[left.film_code] = ("unusable", NOT_USABLE.get(left.code, "film cannot be read"))
    steps = []
    remaining = dict(rows)
    names = (
        ("Films imported", "unread", "Not read"),
        ("Films read", "excluded", "Excluded"),
        ("Films that belong to the cohort", "undecided", "Without an agreed answer"),
        ("Films with an agreed answer", "unusable", "Cannot be used"),
    )
    for label, place, leaving in names:
        gone = {code: words for code, (at, words) in why.items() if at == place}
        steps.append(_step(label, remaining.values(), leaving, gone))
        remaining = {code: row for code, row in remaining.items() if code not in gone}
    broken = sum(p.fracture for p in plan.films)
    notes = (f"{broken} with a fracture, {len(plan.films) - broken} without", f"{2 * len(plan.films)} hips")
    steps.append(FlowStep("Films halved", len(remaining), _patients(remaining.values()), notes))
    return PatientFlow(tuple(steps), tuple(_part(plan, partition) for partition in Partition), RESEARCH_USE)


def write_flow(flow: PatientFlow, to: Path) -> tuple[Path, ...]:
    """flow.json, flow.svg and flow.png into a folder, each atomically. Raises FOLDER_NOT_WRITABLE or DISK_FULL."""
    to = Path(os.path.abspath(to))
    diagram = diagram_of(flow)
    values = json.dumps(flow.to_json(), indent=2, ensure_ascii=False) + "\n"
    contents = {JSON_NAME: values.encode(), SVG_NAME: to_svg(diagram).encode(), PNG_NAME: to_png(diagram)}
    for name, data in contents.items():
        write_whole(to / name, data)
    return tuple(to / name for name in contents)


def diagram_of(flow: PatientFlow) -> Diagram:
    """Steps in a column, what leaves beside it, the partitions below."""
    mains = [_main_lines(step) for step in flow.steps]
    sides = [() if step.leaving is None else _side_lines(step.leaving) for step in flow.steps]
    ends = [_part_lines(part) for part in flow.parts]
    wide = max(260.0, *(box_width(lines) for lines in mains))
    side_wide = max([box_width(lines) for lines in sides if lines], default=0.0)
    end_wide = max(box_width(lines) for lines in ends)
    total = max(wide + SIDE_GAP + side_wide, len(ends) * (end_wide + 20) - 20)
    boxes, arrows = [], []
    y = MARGIN
    previous: Box | None = None
    for lines, side in zip(mains, sides, strict=True):
        box = Box(MARGIN, y, wide, lines)
        boxes.append(box)
        x = box.middle[0]
        if previous is not None:
            arrows.append(Arrow(((x, previous.y + previous.height), (x, box.y))))
        y = box.y + box.height + GAP
        if side:
            beside = Box(MARGIN + wide + SIDE_GAP, box.y + box.height + 12, side_wide, side, side=True)
            boxes.append(beside)
            arrows.append(Arrow(((x, beside.middle[1]), (beside.x, beside.middle[1]))))
            y = max(y, beside.y + beside.height + 12)
        previous = box
    assert previous is not None
    branch = previous.y + previous.height + GAP / 2
    x = previous.middle[0]
    first = [Box(MARGIN + i * (end_wide + 20), branch + GAP / 2 + 4, end_wide, lines) for i, lines in enumerate(ends)]
    middles = [box.middle[0] for box in first]
    arrows.append(Arrow(((x, previous.y + previous.height), (x, branch)), plain=True))
    arrows.append(Arrow(((min(x, *middles), branch), (max(x, *middles), branch)), plain=True))
    arrows.extend(Arrow(((m, branch), (m, box.y))) for m, box in zip(middles, first, strict=True))
    height = first[0].y + max(box.height for box in first) + GAP
    return Diagram(total + 2 * MARGIN, height, (*boxes, *first), tuple(arrows), flow.notice)


def _step(label: str, rows: Iterable[FilmRow], leaving: str, gone: Mapping[str, str]) -> FlowStep:
    held = list(rows)
    parts = tuple(sorted(Counter(gone.values()).items(), key=lambda item: (-item[1], item[0])))
    return FlowStep(label, len(held), _patients(held), leaving=FlowExit(leaving, len(gone), parts) if gone else None)


def _patients(rows: Iterable[FilmRow]) -> int:
    return len({row.patient for row in rows})


def _part(plan: ExportPlan, partition: Partition) -> FlowPart:
    own = [p for p in plan.films if plan.partitions[p.group] is partition]
    broken = sum(bool(p.paper.left.fracture) + bool(p.paper.right.fracture) for p in own)
    return FlowPart(partition.value, _patients(p.film for p in own), len(own), broken, 2 * len(own) - broken)


def _main_lines(step: FlowStep) -> tuple[str, ...]:
    return (f"{step.label}: {step.films}", _patient_words(step.patients), *step.notes)


def _side_lines(leaving: FlowExit) -> tuple[str, ...]:
    return (f"{leaving.label}: {leaving.films}", *(f"{films}  {words}" for words, films in leaving.parts))


def _part_lines(part: FlowPart) -> tuple[str, ...]:
    hips = (f"{part.fracture} hips with fracture", f"{part.no_fracture} hips without")
    films = "1 film" if part.films == 1 else f"{part.films} films"
    return (part.name.capitalize(), f"{_patient_words(part.patients)}, {films}", *hips)


def _patient_words(patients: int) -> str:
    return "1 patient" if patients == 1 else f"{patients} patients"
