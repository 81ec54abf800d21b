"""The verbs of what leaves a project besides the dataset: tables, the flow diagram, contact sheets, rectangles."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.messages import sentence

FORMATS = ("coco", "yolo", "voc", "labelme")


def _cohort(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.cohort_tables import cohort_table, to_text, write_cohort
    from hipcad_desktop.workflows.open_project import open_project
    from hipcad_desktop.workflows.patient_flow import patient_flow, write_flow

    with open_project(options.project) as project:
        table, flow = cohort_table(project), patient_flow(project)
    say(to_text(table).rstrip())
    written = (*write_cohort(table, options.to), *write_flow(flow, options.to))
    say("Written: " + ", ".join(str(path) for path in written))
    return 0


def _contact_sheet(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.contact_sheet import contact_sheet

    sheet = contact_sheet(
        options.dataset,
        options.to,
        partition=None if options.partition is None else Partition(options.partition),
        halving=HalvingMethod(options.halving),
        watch=TerminalWatch(),
    )
    say(f"{sheet.films} films on {len(sheet.pages)} pages: {sheet.pages[0]}" + (" ..." if len(sheet.pages) > 1 else ""))
    return 0


def _annotations(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.annotation_formats import export_annotations, import_annotations
    from hipcad_desktop.workflows.open_project import open_project

    with open_project(options.project) as project:
        if options.direction == "export":
            out = export_annotations(project, options.path, file_format=options.format, reader=options.reader)
            say(f"{out.rectangles} rectangles on {out.films} films written to {options.path}.")
            if out.without_place:
                complain(f"{out.without_place} films are unsure or excluded: {options.format} cannot say that.")
            return 0
        came = import_annotations(
            project,
            options.path,
            file_format=options.format,
            reader=options.reader,
            empty_is_no_fracture=options.empty_is_no_fracture,
            watch=TerminalWatch(),
        )
    for problem in came.problems:
        complain(sentence(problem))
    say(f"{came.saved} readings saved, {came.unchanged} unchanged, {len(came.problems)} problems.")
    if came.left_unread:
        say(f"{came.left_unread} films have no rectangle and stay unread (--empty-is-no-fracture takes them as such).")
    return 1 if came.problems else 0


def add_verbs(verbs: Any) -> None:
    """Tell the parser of these verbs."""
    cohort = verbs.add_parser("cohort", help="the cohort's tables by hospital and the patient flow diagram")
    cohort.add_argument("project", type=Path)
    cohort.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    sheet = verbs.add_parser("contact-sheet", help="a dataset's halves in pages, to look over")
    sheet.add_argument("dataset", type=Path)
    sheet.add_argument("--to", type=Path, required=True, metavar="FILE.png")
    sheet.add_argument("--partition", choices=[p.value for p in Partition])
    sheet.add_argument("--halving", choices=[h.value for h in HalvingMethod], default=HalvingMethod.PAPER.value)
    annotations = verbs.add_parser("annotations", help="rectangles to or from COCO, YOLO, Pascal VOC, labelme")
    annotations.add_argument("direction", choices=("export", "import"))
    annotations.add_argument("project", type=Path)
    annotations.add_argument("path", type=Path, metavar="FILE_OR_FOLDER", help="COCO: a file; the others: a folder")
    annotations.add_argument("--format", choices=FORMATS, required=True)
    annotations.add_argument("--reader", required=True, metavar="NAME", help="whose rectangles these are")
    annotations.add_argument(
        "--empty-is-no-fracture", action="store_true", help="import: a film without a rectangle has no fracture"
    )


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "cohort": _cohort,
    "contact-sheet": _contact_sheet,
    "annotations": _annotations,
}
