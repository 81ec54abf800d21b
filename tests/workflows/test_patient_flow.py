"""Every film of a project is in one box of the diagram, and the picture carries the same figures."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from hipcad_desktop.domain.annotation import Answer, ExclusionReason, Finding, Verdict
from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.flow import FlowExit, FlowPart, FlowStep, PatientFlow
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.export_dataset import export_dataset
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import list_films, open_project
from hipcad_desktop.workflows.patient_flow import diagram_of, patient_flow, write_flow
from tests.fakes.project_films import WIDTH, write_films

BROKEN = Answer(Verdict.FRACTURE, (Finding(Rectangle(30, 60, 30, 20)),))
WHOLE = Answer(Verdict.NO_FRACTURE)


def test_every_film_is_in_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_films(tmp_path / "films", 10)
    refused = read_film(paths[9]).radiograph.film_id

    def look(film: object) -> FilmScope:
        out = film.radiograph.film_id == refused  # type: ignore[attr-defined]
        return FilmScope(WIDTH / 2, 1.0, Refusal(RefusalReason.BLANK, {}) if out else None)

    monkeypatch.setattr("hipcad_desktop.workflows.import_films.look", look)
    with open_project(tmp_path / "P", create=True) as project:
        import_films(project, [tmp_path / "films"])
        films = list_films(project, reader="A")
        shaft = Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.SHAFT_FRACTURE)
        wide = Answer(Verdict.FRACTURE, (Finding(Rectangle(20, 0, 160, 9)),))
        answers = (BROKEN, BROKEN, WHOLE, shaft, Answer(Verdict.UNSURE), wide, WHOLE, BROKEN)
        session = Session(project, reader="A")
        for film, answer in zip(films, answers, strict=False):
            session.save(film.film_id, answer)
        Session(project, reader="B").save(films[6].film_id, BROKEN)
        (tmp_path / "films" / "film7.png").unlink()
        (tmp_path / "films" / "film8.png").unlink()  # nobody read it: that it is gone decides nothing
        flow = patient_flow(project)
        summary = export_dataset(project, tmp_path / "D")
    assert [(s.label, s.films, s.patients) for s in flow.steps] == [
        ("Films imported", 10, 10),
        ("Films read", 8, 8),
        ("Films that belong to the cohort", 7, 7),
        ("Films with an agreed answer", 5, 5),
        ("Films halved", 3, 3),
    ]
    assert [s.leaving.parts for s in flow.steps if s.leaving] == [
        (("not read yet", 1), ("the program saw no frontal pelvis with both hips", 1)),
        (("shaft fracture", 1),),
        (("reader unsure", 1), ("readers disagree", 1)),
        (("file missing", 1), ("less than a quarter of the film left for a hip", 1)),
    ]
    assert {p.name: p.films for p in flow.parts} == {n: c["films"] for n, c in summary.counts.items()}
    assert {p.name: p.fracture for p in flow.parts} == {n: c["fracture"] for n, c in summary.counts.items()}


def test_films_do_not_get_lost_between_steps() -> None:
    gone = FlowExit("Excluded", 3, (("shaft fracture", 3),))
    with pytest.raises(ValueError, match="10 films without 3 are not 8"):
        PatientFlow((FlowStep("a", 10, 9, leaving=gone), FlowStep("b", 8, 8)), (), "")


def test_the_picture_shows_the_values(tmp_path: Path) -> None:
    gone = FlowExit("Excluded", 53, (("periprosthetic < fracture", 32), ("shaft fracture", 21)))
    steps = (FlowStep("Films imported", 5295, 4900, leaving=gone), FlowStep("Films halved", 5242, 4851))
    flow = PatientFlow(
        steps, (FlowPart("training", 3851, 4242, 4242, 4241), FlowPart("test", 1, 1, 1, 1)), "For research"
    )
    written = write_flow(flow, tmp_path / "new" / "out")
    assert [p.name for p in written] == ["flow.json", "flow.svg", "flow.png"]
    assert json.loads(written[0].read_text())["steps"][0]["films"] == 5295
    svg = written[1].read_text()
    texts = [e.text for e in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert {"Films imported: 5295", "4900 patients", "Excluded: 53", "32  periprosthetic < fracture"} <= set(texts)
    assert {"3851 patients, 4242 films", "4241 hips without", "1 patient, 1 film", "For research"} <= set(texts)
    diagram = diagram_of(flow)
    with Image.open(io.BytesIO(written[2].read_bytes())) as image:
        assert image.size == (round(diagram.width * 2), round(diagram.height * 2))
        assert len(image.getcolors(100_000) or []) > 10
    for box in diagram.boxes:
        assert box.x + box.width <= diagram.width
        assert box.y + box.height <= diagram.height
    for a in diagram.boxes:
        for b in diagram.boxes:
            apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
            assert a is b or apart, "no box lies on another"
    assert re.search(r"\d{4}-\d\d-\d\d", svg) is None, "the same values give the same bytes"
