"""The verbs of the command line, each over the same workflow as its place on the screen.

Exit status: 0; 1 where some file could not be read or used (named on standard error, the others done); 2 for wrong
usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop import __version__
from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.domain.cohort import PartitionShares
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.training import RECIPES, validated

if TYPE_CHECKING:
    from hipcad_desktop.domain.evaluation import Evaluation

Verb = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str]) -> int:
    """Run one verb and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return VERBS[options.verb](options)
    except UserError as error:
        complain(sentence(error))
        return 1


def _import(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.import_films import import_films
    from hipcad_desktop.workflows.open_project import open_project

    with open_project(options.project, create=True) as project:
        summary = import_films(
            project, options.films, patients=options.patients, copy=options.copy, watch=TerminalWatch()
        )
    for _, error in summary.refused:
        complain(sentence(error))
    for path in summary.passed_over:
        complain(f"{path}: passed over, not a film")
    say(f"{summary.imported} films imported, {summary.already} already there, {len(summary.refused)} refused.")
    if summary.without_patient:
        say(
            f"{summary.without_patient} films name no patient: each counts as a patient of its own. "
            "If several belong to one patient, import with --patients FILE (columns file,patient)."
        )
    for note in summary.duplicates:
        say(f"The same film under two patients: {note}. They will stay in one partition.")
    return 1 if summary.refused else 0


def _readings(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.open_project import open_project
    from hipcad_desktop.workflows.readings_table import export_readings, import_readings

    with open_project(options.project) as project:
        if options.direction == "export":
            rows = export_readings(project, options.table, reader=options.reader)
            say(f"{rows} rows written to {options.table}.")
            return 0
        if not options.reader:
            _parser().error("readings import needs --reader NAME")
        summary = import_readings(project, options.table, reader=options.reader, watch=TerminalWatch())
    for problem in summary.problems:
        complain(sentence(problem))
    say(f"{summary.saved} readings saved, {summary.unchanged} unchanged, {len(summary.problems)} problems.")
    return 1 if summary.problems else 0


def _export(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.export_dataset import export_dataset
    from hipcad_desktop.workflows.open_project import open_project

    shares = PartitionShares(validation=options.validation, test=options.test)
    with open_project(options.project) as project:
        summary = export_dataset(project, options.to, seed=options.seed, shares=shares, watch=TerminalWatch())
    for film in summary.not_exported:
        complain(f"{film.file_name}: not exported. {film.sentence}")
    say(f"{summary.films} films, {summary.hips} hips in {summary.dataset}.")
    for partition, counts in summary.counts.items():
        say("  " + partition + ": " + ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items()))
    return 0


def _train(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.train import train

    chosen: Mapping[str, Any] = {
        name: value
        for name in ("backbone", "weights", "epochs", "batch", "input_px", "seed", "max_learning_rate")
        if (value := getattr(options, name)) is not None
    }
    config = validated(replace(RECIPES[options.recipe], **chosen))
    summary = train(
        options.dataset,
        options.to,
        config=config,
        device=options.device,
        resume=options.resume,
        run_folder=options.run_folder,
        note=options.note,
        watch=TerminalWatch(),
    )
    say(f"{summary.model}")
    for line in _run_lines(summary.figures):
        say(line)
    say(RESEARCH_USE)
    return 0


def _run_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    n = f"{figures['n_fracture']} hips with and {figures['n_no_fracture']} without fracture"
    yield f"  on the validation partition, midline halving ({n}): AUC {figures['auc']:.3f}"
    for point in ("no_fracture", "fracture"):
        at = figures[f"at_{point}_threshold"]
        shares = ", ".join(
            f"{name} {_figure(s['value'], s['low'], s['high'], s['n'])}"
            for name in ("sensitivity", "specificity")
            if (s := at[name])
        )
        yield f'  at the threshold for "{point.replace("_", " ")}", {at["threshold"]:.3f}: {shares}'
    yield "  Thresholds were chosen on these same hips: `hipcad evaluate` measures on hips never used."


def _evaluate(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.evaluate import evaluate

    summary = evaluate(options.model, options.dataset, options.to, partition=options.partition, watch=TerminalWatch())
    for line in _evaluation_lines(summary.evaluation):
        say(line)
    say(f"Report: {summary.report_html}")
    say(RESEARCH_USE)
    return 0


def _evaluation_lines(evaluation: Evaluation) -> Iterator[str]:
    """The program's own accuracy (midline halving), each figure with n and interval, then what to beware of."""
    figures = evaluation.of("midline")
    yield (
        f"{evaluation.partition} partition, midline halving: {figures.fracture} hips with and {figures.no_fracture} "
        f"without fracture, {figures.films} films, {figures.patients} patients."
    )
    for name, auc in (("AUC, all hips", figures.auc), ("AUC, within films", figures.auc_same_film)):
        yield f"  {name}: {_figure(auc.value, auc.low, auc.high, auc.n)}" + (f" ({auc.reason})" if auc.reason else "")
    for point in figures.points:
        yield f'  at the threshold for "{point.name.replace("_", " ")}", {point.threshold:.3f}:'
        for name in ("sensitivity", "specificity", "accuracy"):
            share = getattr(point, name)
            yield f"    {name}: {_figure(share.value, share.low, share.high, share.n)}"
    for caution in evaluation.cautions:
        yield f"  ! {caution.sentence}"


def _figure(value: float | None, low: float | None, high: float | None, n: int) -> str:
    interval = "" if low is None or high is None else f" (95 % interval {low:.3f} to {high:.3f})"
    return f"cannot be computed, n = {n}" if value is None else f"{value:.3f}{interval}, n = {n}"


def _diagnose(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.diagnose import FileFailure, diagnose, to_json

    run = diagnose(options.files, model=options.model, to=options.to, watch=TerminalWatch(quiet=options.json))
    failures = [d for d in run.diagnoses if isinstance(d, FileFailure)]
    answers = [to_json(d) for d in run.diagnoses if not isinstance(d, FileFailure)]
    for failure in failures:
        complain(sentence(failure.error))
    if options.json:
        json.dump(answers, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        for answer in answers:
            say(_diagnosis_line(answer))
        for warning in dict.fromkeys(w for answer in answers for w in answer["warnings"]):
            say(f"! {warning}")
        say(RESEARCH_USE)
    return 1 if failures else 0


def _diagnosis_line(answer: Mapping[str, Any]) -> str:
    if answer["refused"]:
        return f"{answer['file']}: {answer['refused']}"
    hips = "   ".join(
        f"{hip['side']} {hip['state'].replace('_', ' ')} ({hip['p_fracture']:.1%})" for hip in answer["hips"]
    )
    return f"{answer['file']}: {hips}"


def _simulate(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.simulate import simulate

    simulate(
        films=options.films,
        seed=options.seed,
        to=options.to,
        size=options.size,
        film_format=options.format,
        hospital=options.hospital,
        watch=TerminalWatch(),
    )
    say(f"{options.films} simulated films in {options.to}, with truth.csv, boxes.csv and patients.csv.")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from hipcad_desktop.app.doctor import examine

    checks = examine()
    if options.json:
        say(json.dumps([c.to_json() for c in checks], indent=2))
    else:
        for check in checks:
            say(check.line())
    return 1 if any(c.state == "bad" for c in checks) else 0


VERBS: Mapping[str, Verb] = {
    "import": _import,
    "readings": _readings,
    "export": _export,
    "train": _train,
    "evaluate": _evaluate,
    "diagnose": _diagnose,
    "simulate": _simulate,
    "doctor": _doctor,
}


def _size(text: str) -> Any:
    from hipcad_desktop.domain.geometry import Size

    try:
        width, height = text.lower().split("x")
        return Size(int(width), int(height))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write it as 1200x1000") from error


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError("a share lies between 0 and 1")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hipcad",
        description="Hip fractures on frontal pelvic films: annotate, train, diagnose. Without a verb: the window.",
        epilog=RESEARCH_USE,
    )
    parser.add_argument("--version", action="version", version=f"HipCAD Desktop {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_project_verbs(verbs)
    _add_model_verbs(verbs)
    simulate = verbs.add_parser("simulate", help="make simulated films with known fractures")
    simulate.add_argument("--films", type=int, required=True)
    simulate.add_argument("--seed", type=int, required=True)
    simulate.add_argument("--to", type=Path, required=True, metavar="DIR")
    simulate.add_argument("--size", type=_size, metavar="WxH")
    simulate.add_argument("--format", choices=("dicom", "jpeg"), default="dicom")
    simulate.add_argument("--hospital", choices=("A", "B", "C"))
    doctor = verbs.add_parser("doctor", help="what works on this machine, and what to do about the rest")
    doctor.add_argument("--json", action="store_true")
    return parser


def _add_project_verbs(verbs: Any) -> None:
    films = verbs.add_parser("import", help="take films into a project (made if absent)")
    films.add_argument("project", type=Path)
    films.add_argument("films", type=Path, nargs="+", metavar="FILE_OR_FOLDER")
    films.add_argument(
        "--patients", type=Path, metavar="CSV", help="columns file,patient: for films that name no patient"
    )
    films.add_argument("--copy", action="store_true", help="copy the films into the project's folder")
    readings = verbs.add_parser("readings", help="readings from or to a table")
    readings.add_argument("direction", choices=("import", "export"))
    readings.add_argument("project", type=Path)
    readings.add_argument("table", type=Path, metavar="CSV", help="columns file,verdict,x,y,width,height,type")
    readings.add_argument("--reader", help="who read the films")
    export = verbs.add_parser("export", help="halve the films, partition by patient, write the dataset")
    export.add_argument("project", type=Path)
    export.add_argument("--to", type=Path, required=True, metavar="DATASET")
    export.add_argument("--seed", type=int, default=20200414)
    export.add_argument("--validation", type=_share, default=PartitionShares().validation, metavar="SHARE")
    export.add_argument("--test", type=_share, default=PartitionShares().test, metavar="SHARE")


def _add_model_verbs(verbs: Any) -> None:
    train = verbs.add_parser("train", help="train a network on a dataset")
    train.add_argument("dataset", type=Path)
    train.add_argument("--to", type=Path, required=True, metavar="M.hipcad")
    train.add_argument("--recipe", choices=sorted(RECIPES), default="paper")
    train.add_argument("--backbone", metavar="NAME", help="any timm network with global average pooling")
    train.add_argument("--weights", metavar="imagenet|none|FILE")
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    train.add_argument("--epochs", type=int)
    train.add_argument("--batch", type=int)
    train.add_argument("--input", type=int, dest="input_px", metavar="PX")
    train.add_argument("--learning-rate", type=float, dest="max_learning_rate", metavar="RATE")
    train.add_argument("--seed", type=int)
    train.add_argument("--resume", action="store_true", help="go on with a run that was cut off")
    train.add_argument("--run-folder", type=Path, metavar="DIR", help="default: M.run beside the model")
    train.add_argument("--note", default="", metavar="TEXT", help="what to know of this model; shown with each answer")
    evaluate = verbs.add_parser("evaluate", help="measure a model on a dataset's test partition")
    evaluate.add_argument("model", type=Path)
    evaluate.add_argument("dataset", type=Path)
    evaluate.add_argument("--to", type=Path, required=True, metavar="REPORT")
    evaluate.add_argument("--partition", choices=("training", "validation", "test"), default="test")
    diagnose = verbs.add_parser("diagnose", help="a probability, a state and an overlay per hip")
    diagnose.add_argument("files", nargs="+", metavar="FILE")
    diagnose.add_argument("--model", type=Path, required=True, metavar="M.hipcad")
    diagnose.add_argument("--to", type=Path, required=True, metavar="OUT")
    diagnose.add_argument("--json", action="store_true", help="one JSON array on standard output")
