"""The verbs of a training: look before it, run it, list and compare what was run."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.training import RECIPES, TrainConfig, validated

if TYPE_CHECKING:
    from hipcad_desktop.domain.runs import RunComparison, RunRow

_MARKS = {"ok": "[ok]  ", "mind": "[mind]", "stop": "[stop]"}
_SHOWN_CURVES = ("validation_loss", "auc", "sensitivity", "specificity")


def _train(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.train import train

    summary = train(
        options.dataset,
        options.to,
        config=_config(options),
        device=options.device,
        resume=options.resume,
        run_folder=options.run_folder,
        note=options.note,
        processes=options.processes,
        watch=_TrainWatch(),
    )
    if not summary.figures:  # one of torchrun's other processes: the first one speaks
        return 0
    say(f"{summary.model}")
    for line in _run_lines(summary.figures):
        say(line)
    say(RESEARCH_USE)
    return 0


class _TrainWatch(TerminalWatch):
    """Never lets a training run on the processor without saying so."""

    def started(self, **facts: Any) -> None:
        super().started(**facts)
        if facts.get("device") == "cpu" and facts.get("reason") != "asked for":
            reason = facts.get("reason", "")
            complain(f"! This training runs on the processor: {reason}. `hipcad preflight` says how long it will take.")


def _config(options: argparse.Namespace) -> TrainConfig:
    chosen: Mapping[str, Any] = {
        name: value
        for name in ("backbone", "weights", "epochs", "batch", "input_px", "seed", "max_learning_rate")
        if (value := getattr(options, name)) is not None
    }
    config = replace(RECIPES[options.recipe], **chosen)
    model = _model_to_start_from(options.weights or "")
    if model is not None and options.backbone is None:
        from hipcad_desktop.workflows.start_from import starting_from

        config = starting_from(config, model)
    elif model is not None:
        config = replace(config, weights=str(model))
    return validated(config)


def _model_to_start_from(weights: str) -> Path | None:
    """The model package that --start names; None where it names something else."""
    if weights != "box":
        return Path(weights) if weights.endswith(".hipcad") else None
    from hipcad_desktop.app.box import default_model

    if (model := default_model()) is None:
        detail = "imagenet, none or a file: this installation has no model in it"
        raise UserError(ErrorCode.CONFIG_INVALID, field="start", value=weights, detail=detail)
    return model


def _run_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    n = f"{figures['n_fracture']} hips with and {figures['n_no_fracture']} without fracture"
    yield f"  on the validation partition, {figures['halving']} halving ({n}): AUC {figures['auc']:.3f}"
    for point in ("no_fracture", "fracture"):
        at = figures[f"at_{point}_threshold"]
        shares = ", ".join(
            f"{name} {s['value']:.3f} (95 % interval {s['low']:.3f} to {s['high']:.3f}), n = {s['n']}"
            for name in ("sensitivity", "specificity")
            if (s := at[name])
        )
        yield f'  at the threshold for "{point.replace("_", " ")}", {at["threshold"]:.3f}: {shares}'
    yield "  Thresholds were chosen on these same hips: `hipcad evaluate` measures on hips never used."
    if temperature := figures.get("temperature"):
        value, reason = temperature["value"], temperature["reason"]
        if reason and value == 1:
            yield f"  Probabilities are as the network gave them, not calibrated: {reason}."
        else:
            why = f" ({reason})" if reason else ""
            yield f"  Probabilities are calibrated on them too, temperature {value:.3f}{why}."
    yield from (f"! {warning}" for warning in figures.get("warnings", ()))


def _preflight(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.preflight import preflight

    found = preflight(
        options.dataset,
        config=_config(options),
        device=options.device,
        to=options.to,
        processes=options.processes,
        run_folder=options.run_folder,
        resume=options.resume,
        watch=TerminalWatch(quiet=options.json),
    )
    if options.json:
        say(json.dumps(found.to_json(), indent=2))
    else:
        for item in found.items:
            say(
                f"{_MARKS[item.verdict]} {item.name}: {item.value}" + (f"  -> {item.sentence}" if item.sentence else "")
            )
        for partition, counts in found.counts.items():
            shown = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items())
            say(f"       {partition}: {shown}")
    return 1 if found.verdict == "stop" else 0


def _runs(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.list_runs import compare_runs, list_runs

    if options.compare:
        found = [Path(row.path) for folder in options.folders for row in list_runs([folder])]
        comparison = compare_runs(found or options.folders)
        lines = _comparison_lines(comparison)
        values: Any = comparison.to_json()
    else:
        rows = list_runs(options.folders)
        lines = (_row_line(row) for row in rows)
        values = [row.to_json() for row in rows]
    if options.json:
        say(json.dumps(values, indent=2))
        return 0
    shown = 0
    for line in lines:
        say(line)
        shown += 1
    if not shown:
        complain("No run in here. `hipcad train` leaves one beside each model, in a folder named .run.")
    return 0


def _row_line(row: RunRow) -> str:
    auc = "–" if row.auc is None else f"{row.auc:.3f}"
    n = row.n_fracture + row.n_no_fracture
    why = f" ({row.ended.replace('_', ' ')})" if row.ended else ""
    events = f"  ! {', '.join(sorted({str(e['event']).replace('_', ' ') for e in row.events}))}" if row.events else ""
    return (
        f"{row.started_utc[:16]:16}  {row.state}{why}  {row.epochs_done}/{row.epochs} epochs"
        f"  validation AUC {auc} (n = {n})  {row.recipe} {row.backbone}"
        f"  seed {row.seed}  {row.seconds:.0f} s  {row.path}{events}"
    )


def _comparison_lines(comparison: RunComparison) -> Iterator[str]:
    for number, run in enumerate(comparison.runs, start=1):
        yield f"{number}: {_row_line(run)}"
    yield "What differs:"
    for line in comparison.differences:
        yield f"  {line.name}: " + " | ".join(value or "–" for value in line.values)
    if not comparison.differences:
        yield "  nothing"
    for name in _SHOWN_CURVES:
        yield f"{name.replace('_', ' ')}, epoch by epoch:"
        for number, curve in enumerate(comparison.curves[name], start=1):
            yield f"  {number}: " + " ".join(f"{value:.3f}" for _, value in curve)


def add_verbs(verbs: Any) -> None:
    """Tell the parser of these verbs."""
    train = verbs.add_parser("train", help="train a network on a dataset")
    _add_training(train)
    train.add_argument("--note", default="", metavar="TEXT", help="what to know of this model; shown with each answer")
    preflight = verbs.add_parser("preflight", help="what a training would run on, for how long, and what is in its way")
    _add_training(preflight)
    preflight.add_argument("--json", action="store_true", help="one JSON object on standard output")
    runs = verbs.add_parser("runs", help="list trainings, or hold them side by side")
    runs.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a run's folder, or one that holds runs")
    runs.add_argument("--compare", action="store_true", help="each FOLDER is a run: what differs, and their curves")
    runs.add_argument("--json", action="store_true", help="JSON on standard output")


def _add_training(verb: argparse.ArgumentParser) -> None:
    """What a training and the look before it are told alike."""
    verb.add_argument("dataset", type=Path)
    verb.add_argument("--to", type=Path, required=True, metavar="M.hipcad")
    verb.add_argument("--recipe", choices=sorted(RECIPES), default="paper", help="default: paper, which wants a GPU")
    verb.add_argument("--backbone", metavar="NAME", help="any timm network with global average pooling")
    verb.add_argument(
        "--start",
        "--weights",
        dest="weights",
        metavar="imagenet|box|none|FILE",
        help="what to start from; box: the model that ships. A .hipcad brings its backbone along",
    )
    verb.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    verb.add_argument("--processes", type=int, default=1, metavar="N", help="share each batch, one process a GPU")
    verb.add_argument("--epochs", type=int, help="this and the next four: instead of the recipe's")
    verb.add_argument("--batch", type=int)
    verb.add_argument("--input", type=int, dest="input_px", metavar="PX")
    verb.add_argument("--learning-rate", type=float, dest="max_learning_rate", metavar="RATE")
    verb.add_argument("--seed", type=int)
    verb.add_argument("--resume", action="store_true", help="go on with a run that was cut off")
    verb.add_argument("--run-folder", type=Path, metavar="DIR", help="default: M.run beside the model")


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "train": _train,
    "preflight": _preflight,
    "runs": _runs,
}
