"""The cohort's tables from a project: counts by hospital, tests where SciPy is there, JSON, CSV and plain text."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hipcad_desktop.domain.annotation import Reading, Verdict
from hipcad_desktop.domain.cohort_table import (
    NO_HOSPITAL,
    SEXES,
    TYPE_ROWS,
    CohortFilm,
    CohortRow,
    CohortTable,
    CohortTest,
    ages,
    count_rows,
    hospitals_of,
    sexes,
    sizes_of,
)
from hipcad_desktop.domain.consensus import consensus
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import films as film_store
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import current_readings
from hipcad_desktop.workflows.write_whole import write_whole

JSON_NAME, CSV_NAME, TEXT_NAME = "cohort.json", "cohort.csv", "cohort.txt"
SEED = 20200414
RESAMPLES = 9999  # SciPy's own default
MOST_TABLES = 3_000_000  # of one row and its margins: so many are gone through one by one


def cohort_table(project: Project) -> CohortTable:
    """The values of Table 1 and 2 over the films whose readers agree on fracture or no fracture."""
    return table_of(cohort_films(project))


def cohort_films(project: Project) -> list[CohortFilm]:
    """The films of the cohort: agreed on, not excluded."""
    with project.reading() as connection:
        readings: dict[FilmId, list[Reading]] = {}
        for reading in current_readings(connection):
            readings.setdefault(reading.film_id, []).append(reading)
    found = []
    for row in film_store.film_rows(project, reader=None):
        answer = consensus(readings.get(row.film_id, ())).answer
        if answer is None or answer.verdict not in (Verdict.FRACTURE, Verdict.NO_FRACTURE):
            continue
        found.append(
            CohortFilm(
                hospital=row.cohort.hospital,
                patient=row.patient,
                kind=row.kind,
                width=row.width,
                height=row.height,
                sex=row.cohort.sex,
                age_years=row.cohort.age_years,
                fracture=answer.verdict is Verdict.FRACTURE,
                types=frozenset(f.fracture_type for f in answer.findings if f.fracture_type is not None),
                diagnosed_from=answer.diagnosed_from,
                flags=answer.flags,
            )
        )
    return found


def table_of(films: Sequence[CohortFilm]) -> CohortTable:
    """Counts and tests of these films."""
    rows = count_rows(films)
    return CohortTable(hospitals_of(films), rows, _tests(films, rows), sizes_of(films), RESEARCH_USE)


def write_cohort(table: CohortTable, to: Path) -> tuple[Path, ...]:
    """cohort.json (the values), cohort.csv and cohort.txt, each written atomically. FOLDER_NOT_WRITABLE, DISK_FULL."""
    to = Path(os.path.abspath(to))
    values = json.dumps(table.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    contents = {JSON_NAME: values, CSV_NAME: to_csv(table), TEXT_NAME: to_text(table)}
    for name, text in contents.items():
        write_whole(to / name, text.encode("utf-8-sig" if name == CSV_NAME else "utf-8"))  # the mark tells Excel
    return tuple(to / name for name in contents)


def to_csv(table: CohortTable) -> str:
    """A line a row; the test of a group stands on its first row."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["group", "row", "unit", *table.hospitals, "all", "test", "method", "n", "p"])
    seen: set[str] = set()
    for row in table.rows:
        test = None if row.group in seen else table.test_of(row.group)
        seen.add(row.group)
        told = ["", "", "", ""] if test is None else [test.name, test.method, test.n, _p(test)]
        cells = ["" if v is None else v for v in (*row.values, row.total)]
        writer.writerow([_cell(c) for c in (row.group, row.label, row.unit, *cells, *told)])
    for hospital, sizes in table.sizes.items():
        for name, films in sizes.items():
            cells = [films if h == hospital else 0 for h in table.hospitals]
            writer.writerow([_cell(c) for c in ("format and size", name, "films", *cells, films, "", "", "", "")])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A label that a spreadsheet would take for a formula is told to be text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def to_text(table: CohortTable) -> str:
    """The table as it is read on a terminal, with what each test was and what is missing."""
    head = ["", *table.hospitals, "all", "p"]
    lines: list[list[str]] = []
    group = ""
    for row in table.rows:
        test = table.test_of(row.group) if row.group != group else None
        group = row.group
        unit = "" if row.unit in row.label or row.unit in ("films", "years") else f" ({row.unit})"
        cells = [_shown(v) for v in (*row.values, row.total)]
        lines.append([row.label + unit, *cells, "" if test is None else _p(test)])
    for at, hospital in enumerate(table.hospitals):
        for name, films in list(table.sizes[hospital].items())[:3]:
            lines.append([name, *(str(films) if i == at else "" for i in range(len(table.hospitals))), str(films), ""])
    widths = [max(_width(line[i]) for line in (head, *lines)) for i in range(len(head))]
    drawn = [_line(head, widths), "-" * (sum(widths) + 2 * len(widths) - 2), *(_line(line, widths) for line in lines)]
    notes = [f"{t.group}: {t.name}, {t.method}, n = {t.n}" for t in table.tests if t.p_value is not None]
    why = sorted({t.reason for t in table.tests if t.p_value is None})
    return "\n".join([*drawn, "", *notes, *(f"No p value: {reason}." for reason in why), table.notice, ""])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0] + " " * (widths[0] - _width(cells[0]))
    rest = (" " * (w - _width(c)) + c for c, w in zip(cells[1:], widths[1:], strict=True))
    return "  ".join([first, *rest]).rstrip()


def _width(text: str) -> int:
    """Columns on a terminal: Japanese characters take two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _shown(value: float | None) -> str:
    return "-" if value is None else str(value)


def _p(test: CohortTest) -> str:
    if test.p_value is None:
        return ""
    return "< 0.001" if test.p_value < 0.001 else f"{test.p_value:.3f}"


def _tests(films: Sequence[CohortFilm], rows: Sequence[CohortRow]) -> tuple[CohortTest, ...]:
    """Fisher's exact for counts, Mann-Whitney U (two hospitals) or Kruskal-Wallis (more) for ages."""
    hospitals = [h for h in hospitals_of(films) if h != NO_HOSPITAL]
    groups = list(dict.fromkeys(r.group for r in rows if r.group not in ("cohort", "fracture", "diagnosed from")))
    reason = "" if len(hospitals) > 1 else "it takes two hospitals to compare (import with --hospital NAME)"
    try:
        import scipy.stats  # noqa: F401  late, and not in every edition
    except ModuleNotFoundError:
        reason = reason or "SciPy is not installed (Workstation edition, or pip install 'hipcad-desktop[train]')"
    if reason:
        return tuple(CohortTest(g, _name(g, len(hospitals)), "", 0, None, reason) for g in groups)
    own = {h: [f for f in films if f.hospital == h] for h in hospitals}
    return tuple(_age_test(own) if g == "age" else _count_test(g, _counts(g, own)) for g in groups)


def _name(group: str, hospitals: int) -> str:
    return "Fisher's exact" if group != "age" else "Mann-Whitney U" if hospitals <= 2 else "Kruskal-Wallis"


def _counts(group: str, own: Mapping[str, Sequence[CohortFilm]]) -> list[list[int]]:
    """The contingency table: a row for each class that occurs, a column for each hospital; one class a film."""
    if group == "sex":
        found = [sexes(films) for films in own.values()]
        return [[sum(s == sex for s in f.values()) for f in found] for _, sex in SEXES if sex is not None]
    if group == "type":
        one = [[f for f in films if len(_type_rows(f)) == 1] for films in own.values()]
        return [[sum(_type_rows(f) == [label] for f in films) for films in one] for label, _ in TYPE_ROWS]
    return [[sum((group in f.flags) is yes for f in films) for films in own.values()] for yes in (True, False)]


def _type_rows(film: CohortFilm) -> list[str]:
    """The rows a film counts in; one with two of them (both hips broken) is in the counts and not in the test."""
    return [label for label, kinds in TYPE_ROWS if film.types & set(kinds)]


def _count_test(group: str, counts: Sequence[Sequence[int]]) -> CohortTest:
    """Fisher's exact test, gone through table by table where that can be done, else by SciPy's Monte Carlo."""
    table = [list(row) for row in counts if any(row)]
    columns = [c for c in range(len(table[0])) if any(row[c] for row in table)] if table else []
    table = [[row[c] for c in columns] for row in table]
    n = sum(map(sum, table))
    empty = CohortTest(group, "Fisher's exact", "", n, None, "")
    if len(table) < 2 or len(columns) < 2:
        return replace(empty, reason="where all films are of one kind nothing can differ")
    if len(table) == 2 and _number_of_tables(table) <= MOST_TABLES:
        return replace(empty, method="exact", p_value=_exact(table))
    import numpy as np
    from scipy.stats import MonteCarloMethod, fisher_exact

    method = MonteCarloMethod(n_resamples=RESAMPLES, rng=np.random.default_rng(SEED))
    p_value = float(fisher_exact(np.array(table), method=method).pvalue)
    return replace(empty, method=f"Monte Carlo, {RESAMPLES} tables", p_value=p_value)


def _number_of_tables(table: Sequence[Sequence[int]]) -> int:
    """An upper bound of the tables with these margins: choices of the smaller row in all columns but one."""
    row = min(sum(r) for r in table)
    columns = sorted(sum(c) for c in zip(*table, strict=True))
    return math.prod(min(row, c) + 1 for c in columns[:-1])


def _exact(table: Sequence[Sequence[int]]) -> float:
    """The two-sided p value of a 2 x c table: all tables with its margins that are no more likely than it."""
    import numpy as np
    from scipy.stats import multivariate_hypergeom

    columns = sorted((sum(c), c[0], c[1]) for c in zip(*table, strict=True))
    totals = [c[0] for c in columns]
    first = 1 if sum(table[0]) <= sum(table[1]) else 2
    observed = [c[first] for c in columns]
    row = sum(observed)
    axes = np.meshgrid(*(np.arange(min(row, t) + 1) for t in totals[:-1]), indexing="ij")
    chosen = np.stack([a.ravel() for a in axes], axis=-1)
    last = row - chosen.sum(axis=1)
    every = np.column_stack([chosen, last])[(last >= 0) & (last <= totals[-1])]
    likely = multivariate_hypergeom.logpmf(every, totals, row)
    at = multivariate_hypergeom.logpmf(observed, totals, row)
    return float(min(1.0, np.exp(likely[likely <= at + 1e-7]).sum()))


def _age_test(own: Mapping[str, Sequence[CohortFilm]]) -> CohortTest:
    samples = [a for films in own.values() if (a := ages(films))]
    name = _name("age", len(own))
    n = sum(map(len, samples))
    if len(samples) < 2:
        return CohortTest("age", name, "", n, None, "ages are known in fewer than two hospitals")
    if len({age for sample in samples for age in sample}) < 2:
        return CohortTest("age", name, "", n, None, "all ages are equal")
    from scipy.stats import kruskal, mannwhitneyu

    name = _name("age", len(samples))
    result = mannwhitneyu(*samples, method="asymptotic") if len(samples) == 2 else kruskal(*samples)
    return CohortTest("age", name, "asymptotic, ties corrected", n, float(result.pvalue))
