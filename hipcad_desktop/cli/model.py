"""The verbs of a model: training, evaluation, diagnosis."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.training import RECIPES, validated

if TYPE_CHECKING:
    from hipcad_desktop.domain.evaluation import Evaluation


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
    from hipcad_desktop.workflows.diagnose import diagnose

    watch = _DiagnosisWatch(quiet=options.json)
    try:
        diagnose(options.files, model=options.model, to=options.to, watch=watch)
        return 1 if watch.failures else 0
    finally:  # also when stopped midway: what was answered by then is an answer
        _tell_answers(watch, as_json=options.json)


class _DiagnosisWatch(TerminalWatch):
    """Keeps the answers as they come, so that none is lost to what happens later."""

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self.answers: list[Mapping[str, Any]] = []
        self.failures: list[UserError] = []

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        if what == "diagnosis":
            self.answers.append(facts)
        elif what == "failure":
            self.failures.append(UserError(ErrorCode(facts["code"]), **facts["facts"]))


def _tell_answers(watch: _DiagnosisWatch, *, as_json: bool) -> None:
    for failure in watch.failures:
        complain(sentence(failure))
    if as_json:
        # ASCII escapes: a file's name need not be text in the terminal's encoding, or in any.
        json.dump(watch.answers, sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    for answer in watch.answers:
        say(_diagnosis_line(answer))
    for warning in dict.fromkeys(w for answer in watch.answers for w in answer["warnings"]):
        say(f"! {warning}")
    if watch.answers:
        say(RESEARCH_USE)


def _diagnosis_line(answer: Mapping[str, Any]) -> str:
    if answer["refused"]:
        return f"{answer['file']}: {answer['refused']}"
    hips = "   ".join(
        f"{hip['side']} {hip['state'].replace('_', ' ')} ({hip['p_fracture']:.1%})" for hip in answer["hips"]
    )
    return f"{answer['file']}: {hips}"


def add_verbs(verbs: Any) -> None:
    """Tell the parser of these verbs."""
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


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "train": _train,
    "evaluate": _evaluate,
    "diagnose": _diagnose,
}
