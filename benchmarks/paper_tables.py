"""The paper's tables (METHOD 1) beside those of a run of benchmarks.paper_in_small: text, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hipcad_desktop.domain.agreement import Kappa
from hipcad_desktop.workflows.paper_figures import PRINTED

HOSPITALS = {"A": "Gamagori City", "B": "Tsushima City", "C": "Nagoya Daini Red Cross"}
PAPER_FILMS = {"A": 1617, "B": 1205, "C": 2420}
PAPER_TYPES: Mapping[str, tuple[int, int, int]] = {
    "Garden I/II": (275, 191, 528),
    "Garden III/IV": (450, 324, 897),
    "AO 31-A1": (489, 383, 509),
    "AO 31-A2": (253, 185, 322),
    "AO 31-A3": (54, 48, 76),
    "greater trochanter": (96, 74, 88),
}
PAPER_SEX: Mapping[str, tuple[int, int, int]] = {"male": (340, 287, 566), "female": (1156, 829, 1673)}
PAPER_FLAGS: Mapping[str, tuple[int, int, int]] = {
    "pathologic": (3, 2, 7),
    "osteoarthritis": (26, 15, 43),
    "implant on the other hip": (132, 125, 195),
    "spine implant": (7, 4, 35),
    "old pelvic fracture": (23, 17, 53),
}
PAPER_SIZES = ("JPEG 4892 x 4020", "DICOM 3451 x 2836", "JPEG 2039 x 1380")
PAPER_MEAN_AGE = 81.1
PAPER_KAPPA = 0.91
PAPER_SOURCE = {"frontal": 5024, "lateral": 97, "CT/MRI": 121}
# Type groups of the paper's misses, what the report calls them, and the paper's misses of 500 test fractures
MISSES: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("Garden I/II", ("Garden I/II",), 8),
    ("Garden III/IV", ("Garden III/IV",), 1),
    ("AO 31-A1", ("31-A1",), 4),
    ("AO 31-A2, A3", ("31-A2", "31-A3"), 2),
    ("greater trochanter", ("greater trochanter",), 9),
)
PAPER_TEST_FRACTURES = 500


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns under a line: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "  ".join([cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))])

    return "\n".join([line(head), "-" * len(line(head)), *(line(row).rstrip() for row in rows)])


def cohort_rows(cohort: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Table 1: each row ours beside the paper's, by hospital and for all, and whether the hospitals differ (p)."""
    hospitals = [h for h in cohort["hospitals"] if h in HOSPITALS]
    at = [cohort["hospitals"].index(h) for h in hospitals]
    places = [list(HOSPITALS).index(h) for h in hospitals]
    rows = {(row["group"], row["label"]): row for row in cohort["rows"]}
    tests = {test["group"]: test for test in cohort["tests"]}

    def counts(group: str, label: str) -> list[int]:
        row = rows.get((group, label))
        return [int(row["values"][i] or 0) if row else 0 for i in at]

    films, broken = counts("cohort", "films"), counts("fracture", "with fracture")
    yield ("films", *_numbers(films, [PAPER_FILMS[h] for h in hospitals]), "")
    yield ("  with fracture", *_numbers(broken, [PAPER_FILMS[h] for h in hospitals]), "")
    for group, labels, paper, of in (
        ("type", PAPER_TYPES, PAPER_TYPES, broken),
        ("sex", PAPER_SEX, PAPER_SEX, None),
        ("", PAPER_FLAGS, PAPER_FLAGS, films),
    ):
        own = {label: counts(group or label, label) for label in labels}
        theirs = {label: [values[i] for i in places] for label, values in paper.items()}
        totals = of or [sum(column) for column in zip(*own.values(), strict=True)]
        paper_totals = (
            [sum(column) for column in zip(*theirs.values(), strict=True)]
            if group
            else [PAPER_FILMS[h] for h in hospitals]
        )
        for number, label in enumerate(labels):
            test = tests.get(group or label) if not (group and number) else None
            yield (label, *_shares(own[label], totals, theirs[label], paper_totals), _p(test))
    years = rows["age", "mean age"]
    cells = [_years(years["values"][i]) for i in at]
    yield ("mean age", *cells, f"{_years(years['total'])} | {PAPER_MEAN_AGE}", _p(tests.get("age")))


def _years(mean: float | None) -> str:
    return "-" if mean is None else f"{mean:.1f}"


def _numbers(own: Sequence[int], paper: Sequence[int]) -> list[str]:
    return [f"{o} | {p}" for o, p in zip((*own, sum(own)), (*paper, sum(paper)), strict=True)]


def _shares(own: Sequence[int], of: Sequence[int], paper: Sequence[int], paper_of: Sequence[int]) -> list[str]:
    columns = zip((*own, sum(own)), (*of, sum(of)), (*paper, sum(paper)), (*paper_of, sum(paper_of)), strict=True)
    return [f"{o} ({_percent(o, n)}) | {_percent(p, m)}" for o, n, p, m in columns]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _p(test: Mapping[str, Any] | None) -> str:
    if test is None or test["p_value"] is None:
        return ""
    return "< 0.001" if test["p_value"] < 0.001 else f"{test['p_value']:.3f}"


def kappa_words(kappa: Kappa) -> str:
    """Kappa with interval and n, or why there is none."""
    if kappa.value is None:
        return f"not to be had: {kappa.reason}, n = {kappa.n}"
    return f"{kappa.value:.3f} ({kappa.low:.3f} to {kappa.high:.3f}), n = {kappa.n}"


def result_rows(report: Mapping[str, Any], point: str) -> Iterator[tuple[str, ...]]:
    """Accuracy, sensitivity, specificity, F1 and AUC: as the paper printed them, and of each halving here."""
    halvings = report["halvings"]
    points = [next(p for p in h["points"] if p["name"] == point) for h in halvings]
    for figure in PRINTED:
        yield (figure.name, figure.printed, *(_share_words(p[figure.name.lower()]) for p in points))
    yield ("F1", "0.961 (0.950 to 0.972)", *(_estimate_words(p["f1"]) for p in points))
    yield ("AUC", "0.992 (0.98 to 1.00)", *(_estimate_words(h["auc"]) for h in halvings))
    yield ("AUC within films", "-", *(_estimate_words(h["auc_same_film"]) for h in halvings))


def _share_words(share: Mapping[str, Any]) -> str:
    if not share["n"]:
        return "-"
    low, high = 100 * share["low"], 100 * share["high"]
    return f"{100 * share['hits'] / share['n']:.1f} % ({low:.1f} to {high:.1f}), {share['hits']} of {share['n']}"


def _estimate_words(estimate: Mapping[str, Any]) -> str:
    if estimate["value"] is None:
        return "-"
    if estimate["low"] is None:
        return f"{estimate['value']:.3f}, n = {estimate['n']}"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f}), n = {estimate['n']}"


def miss_rows(report: Mapping[str, Any], point: str) -> Iterator[tuple[str, ...]]:
    """Misses by type of fracture, of the halving that stands first; the paper's of about as many as its films give."""
    found = {s["name"]: s for s in report["halvings"][0]["subgroups"] if s["kind"] == "type group"}
    all_types = sum(map(sum, PAPER_TYPES.values()))
    for name, groups, missed in MISSES:
        shares = [found[g]["sensitivity"][point] for g in groups if g in found]
        hits, n = sum(s["hits"] for s in shares), sum(s["n"] for s in shares)
        labels = [
            k for k in PAPER_TYPES if k == name or (name.startswith("AO 31-A2") and k in ("AO 31-A2", "AO 31-A3"))
        ]
        about = round(PAPER_TEST_FRACTURES * sum(sum(PAPER_TYPES[k]) for k in labels) / all_types)
        paper = f"{missed} of about {about} ({_percent(missed, about)})"
        yield (name, paper, f"{n - hits} of {n} ({_percent(n - hits, n)})" if n else "none in test")
    others = [s["sensitivity"][point] for name, s in found.items() if all(name not in g for _, g, _ in MISSES)]
    if others:
        hits, n = sum(s["hits"] for s in others), sum(s["n"] for s in others)
        yield ("type not agreed on", "-", f"{n - hits} of {n}")
