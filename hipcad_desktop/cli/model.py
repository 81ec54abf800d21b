"""The verbs of a model: evaluation, diagnosis."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.evaluation import DEFAULT_PREVALENCE, INTERVALS
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.model_card import RESEARCH_USE

if TYPE_CHECKING:
    from hipcad_desktop.domain.evaluation import Evaluation, HalvingFigures
    from hipcad_desktop.domain.metrics import Estimate


def _evaluate(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.evaluate import evaluate

    summary = evaluate(
        options.model,
        options.dataset,
        options.to,
        partition=options.partition,
        prevalence=options.prevalence,
        interval=options.interval,
        watch=TerminalWatch(),
    )
    for line in _evaluation_lines(summary.evaluation):
        say(line)
    say(f"Report: {summary.report_html}, {summary.report_pdf}")
    say(RESEARCH_USE)
    return 0


def _evaluation_lines(evaluation: Evaluation) -> Iterator[str]:
    """Leak alarms first, the program's own accuracy with n and interval, then what else to beware of."""
    for probe in (p for p in evaluation.probes if p.alarm):
        yield f"LEAK ALARM, {probe.name}: {probe.sentence}"
    if evaluation.openings:
        yield f"Opening number {evaluation.openings[-1].number} of the sealed test partition; it is recorded."
    figures = evaluation.halvings[0]
    yield (
        f"{evaluation.partition} partition, {figures.halving} halving: {figures.fracture} hips with and "
        f"{figures.no_fracture} without fracture, {figures.films} films, {figures.patients} patients."
    )
    for name, value in (
        ("AUC, all hips", figures.auc),
        ("AUC, within films", figures.auc_same_film),
        ("average precision", figures.average_precision),
    ):
        yield _estimate_line("  ", name, value)
    for point in figures.points:
        yield f'  at the threshold for "{point.name.replace("_", " ")}", {point.threshold:.3f}:'
        for name in ("sensitivity", "specificity", "accuracy"):
            share = getattr(point, name)
            yield f"    {name}: {_figure(share.value, share.low, share.high, share.n)}"
        at = f"where {evaluation.prevalence:.1%} of the hips are broken"
        yield _estimate_line("    ", f"positive predictive value, {at}", point.ppv)
        yield _estimate_line("    ", f"negative predictive value, {at}", point.npv)
        yield _estimate_line("    ", "F1", point.f1)
    yield from _coverage_lines(figures)
    for caution in evaluation.cautions:
        yield f"  ! {caution.sentence}"


def _coverage_lines(figures: HalvingFigures) -> Iterator[str]:
    heat = figures.coverage
    if heat is None:
        return
    yield f"  heat maps of found fractures against the readers' rectangles, n = {heat.n}:"
    share, chance = heat.pointing, heat.pointing_by_chance
    hottest = _figure(share.value, share.low, share.high, share.n)
    yield f"    the hottest place lies in the rectangle: {hottest}; by chance {chance:.3f}"
    inside = _estimate_line("    ", "share of the heat in the rectangle", heat.heat_inside)
    yield f"{inside}; by chance {heat.inside_by_chance:.3f}"


def _estimate_line(indent: str, name: str, value: Estimate) -> str:
    reason = f" ({value.reason})" if value.reason else ""
    return f"{indent}{name}: {_figure(value.value, value.low, value.high, value.n)}{reason}"


def _figure(value: float | None, low: float | None, high: float | None, n: int) -> str:
    interval = "" if low is None or high is None else f" (95 % interval {low:.3f} to {high:.3f})"
    return f"cannot be computed, n = {n}" if value is None else f"{value:.3f}{interval}, n = {n}"


def _diagnose(options: argparse.Namespace) -> int:
    from hipcad_desktop.cli import answers
    from hipcad_desktop.workflows.diagnose import diagnose

    model = options.model or model_in_the_box()
    if answers.is_batch(options):
        return answers.diagnose_batch_verb(options, model)
    watch = _DiagnosisWatch(quiet=options.json)
    try:
        diagnose(options.files, model=model, to=options.to, watch=watch)
        return 1 if watch.failures else 0
    finally:  # also when stopped midway: what was answered by then is an answer
        _tell_answers(watch, as_json=options.json)


def model_in_the_box() -> Path:
    """The model that ships, for want of another one; said on standard error. Raises UserError NO_MODEL_IN_THE_BOX."""
    from hipcad_desktop.app.sample import default_model

    model = default_model()
    if model is None:
        raise UserError(ErrorCode.NO_MODEL_IN_THE_BOX)
    complain(f"No --model named: the model in the box answers, {model.name}.")
    return model


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
    hips = "   ".join(_hip_words(hip) for hip in answer["hips"])
    return f"{answer['file']}: {hips}"


def _hip_words(hip: Mapping[str, Any]) -> str:
    if hip["refused"]:
        return f"{hip['side']} {hip['refused']}"
    return f"{hip['side']} {hip['state'].replace('_', ' ')} ({hip['p_fracture']:.1%})"


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write 0.1 or 10%") from error
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share above 0 and below 1; write 0.1 or 10%")
    return share


def add_verbs(verbs: Any) -> None:
    """Tell the parser of these verbs."""
    evaluate = verbs.add_parser(
        "evaluate",
        help="measure a model on a dataset's test partition",
        description="The test partition is sealed: each opening is recorded in the dataset, with model and thresholds.",
    )
    evaluate.add_argument("model", type=Path)
    evaluate.add_argument("dataset", type=Path)
    evaluate.add_argument("--to", type=Path, required=True, metavar="REPORT")
    evaluate.add_argument("--partition", choices=("training", "validation", "test"), default="test")
    evaluate.add_argument(
        "--prevalence",
        type=_share,
        default=DEFAULT_PREVALENCE,
        metavar="SHARE",
        help="share of broken hips where the model is to be used, for the predictive values (default: 0.5)",
    )
    evaluate.add_argument("--interval", choices=INTERVALS, default="wilson", help="of shares (default: wilson)")
    diagnose = verbs.add_parser("diagnose", help="a probability, a state and an overlay per hip")
    diagnose.add_argument("files", nargs="+", metavar="FILE", help="films, or folders of thousands")
    diagnose.add_argument(
        "--resume",
        action="store_true",
        help="go on with a batch of folders: what was answered and is unchanged is kept",
    )
    diagnose.add_argument("--model", type=Path, metavar="M.hipcad", help="default: the model in the box")
    diagnose.add_argument("--to", type=Path, required=True, metavar="OUT")
    diagnose.add_argument("--json", action="store_true", help="one JSON array on standard output")


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "evaluate": _evaluate,
    "diagnose": _diagnose,
}
