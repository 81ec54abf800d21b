"""Answers leave the program: each film as a PDF page and a PNG, all of them as a CSV table and as JSON.

Made from the JSON that diagnosis wrote, and from the film's own bytes, whose hash must be the one in it: a report never
shows one film's answer on another film's picture. No patient's name or number is printed; a box is left for the
hospital's own label.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hipcad_desktop import __version__
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.batch import FileStamp, answered_row
from hipcad_desktop.domain.diagnosis import HipState, advice
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.second_opinion import LOOKED
from hipcad_desktop.imaging.caption import captioned
from hipcad_desktop.imaging.hip_image import encode_png
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.workflows.answer_sound import refuse_unsound
from hipcad_desktop.workflows.answers_table import answers_csv
from hipcad_desktop.workflows.batch_folder import HEADER
from hipcad_desktop.workflows.document import Block, Card, Cards, Chart, Document, Heading, Note, Paragraph, Table
from hipcad_desktop.workflows.film_picture import film_picture
from hipcad_desktop.workflows.text_name import text_name
from hipcad_desktop.workflows.utc import stamp
from hipcad_desktop.workflows.write_pdf import pdf_of
from hipcad_desktop.workflows.write_whole import write_whole

if TYPE_CHECKING:
    from hipcad_desktop.imaging.film import Film

FORMATS = ("pdf", "png", "csv", "json")
_PAGE_IN, _PICTURE_IN = 7.0, 4.3  # the film on paper: widest, highest
_SOURCES = {
    "header": ("as the file says", "The file says which way the film was taken."),
    "assumed": ("assumed", "The file does not say; the patient's right is taken to be on the picture's left."),
    "reader": ("as a reader said", "A reader confirmed or corrected it."),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A diagnosis as it was written: its JSON object, the file that holds it, and its pictures beside that."""

    path: Path
    facts: Mapping[str, Any]

    @property
    def stem(self) -> str:
        """The name that all its files begin with."""
        return self.path.stem


def read_answer(path: Path) -> Answer:
    """The answer in a JSON file that `hipcad diagnose` wrote. Raises UserError FILE_MISSING or NOT_A_DIAGNOSIS."""
    try:
        facts = json.loads(path.read_bytes())
        if not isinstance(facts, dict):
            raise ValueError("no object")
        answered_row(facts, stamp=FileStamp(0, 0), seen_utc="", answer="", model="", model_sha256="")
        refuse_unsound(facts)
    except FileNotFoundError as error:
        raise UserError(ErrorCode.FILE_MISSING, path=str(path)) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(ErrorCode.NOT_A_DIAGNOSIS, path=str(path)) from error
    return Answer(path, facts)


def write_reports(
    answers: Sequence[Path],
    to: Path,
    *,
    formats: Sequence[str] = FORMATS,
    now: Callable[[], str] = stamp,
    watch: Watch,
) -> tuple[Path, ...]:
    """Write answers (JSON files of diagnosis) into the folder `to`; the files written, in the order of the answers.

    <name>.pdf and <name>.png a film, and answers.csv and answers.json of all. Raises UserError FILE_MISSING,
    TARGET_NOT_EMPTY where a batch lies in `to`, NOT_A_DIAGNOSIS, FILM_CHANGED where a film's file holds other bytes
    than were diagnosed, what reading a film raises, FOLDER_NOT_WRITABLE, DISK_FULL and CANCELLED.
    """
    if (to / HEADER).exists():  # its table is not ours to replace
        raise UserError(ErrorCode.TARGET_NOT_EMPTY, path=str(to))
    read = [read_answer(path) for path in answers]
    written: list[Path] = []
    for at, (answer, name) in enumerate(zip(read, _names(read), strict=True)):
        watch.check("The report")
        watch.step("report", at, len(read))
        if not {"pdf", "png"} & set(formats):
            continue
        film = _film_of(answer)
        picture = film_picture(film.eight_bit, [(hip, _heat_path(answer, hip)) for hip in _shown(answer)])
        if "png" in formats:
            write_whole(to / f"{name}.png", encode_png(captioned(picture, _caption(answer))))
            written.append(to / f"{name}.png")
        if "pdf" in formats:
            write_whole(to / f"{name}.pdf", pdf_of(page_of(answer, picture, written_utc=now())))
            written.append(to / f"{name}.pdf")
    if "csv" in formats:
        write_whole(to / "answers.csv", answers_csv(_row(answer, now()) for answer in read))
        written.append(to / "answers.csv")
    if "json" in formats:
        whole = json.dumps([answer.facts for answer in read], indent=1, allow_nan=False)
        write_whole(to / "answers.json", whole.encode("ascii"))
        written.append(to / "answers.json")
    watch.step("report", len(read), len(read))
    for path in written:
        watch.artifact("report", str(path))
    return tuple(written)


def _names(answers: Sequence[Answer]) -> list[str]:
    """A name for each answer's files: its own, numbered where answers from several folders share one."""
    taken: set[str] = set()
    names = []
    for answer in answers:
        name, copy = answer.stem, 1
        while name.lower() in taken:
            copy += 1
            name = f"{answer.stem}-{copy}"
        taken.add(name.lower())
        names.append(name)
    return names


def page_of(answer: Answer, picture: npt.NDArray[np.uint8], *, written_utc: str) -> Document:
    """The page of one film; picture is the whole film with heat maps and letters, uint8 [h, w, 3]."""
    facts = answer.facts
    notice = str(facts["model"]["notice"])
    blocks: list[Block] = [Table((), (("Patient's label", ""), ("Asked by, date", "")), widths=(0.25, 0.75))]
    if facts["refused"]:
        blocks.append(Note(str(facts["refused"]), loud=True))
    else:
        blocks.append(Cards((*(_card(hip) for hip in facts["hips"]), _sides_card(facts))))
    blocks += [Note(str(warning)) for warning in facts.get("warnings", ())]
    blocks.append(_chart(picture, has_heat=bool(facts["hips"])))
    blocks += [Heading("What this answer belongs to"), _origin(answer, written_utc)]
    blocks.append(Paragraph(LIMITS, faint=True))
    return Document(
        title=f"Hip fracture: {text_name(Path(str(facts['file'])))}",
        lead=f"HipCAD Desktop {__version__}, model {facts['model']['name']}. {notice}",
        notice=notice,
        blocks=tuple(blocks),
    )


LIMITS = (
    "The probability is a network's, and means what its model card says it was measured to mean; on other films than "
    'those it may mean less. "Doubt" and "no fracture" do not rule a fracture out: pain and no weight bearing need CT '
    "or MRI. This page does not replace a reading by a physician."
)


def _card(hip: Mapping[str, Any]) -> Card:
    side = Side(hip["side"])
    title = f"{side.value}: the patient's {side.word} hip"
    if hip.get("refused"):
        return Card(title, "no answer", "", str(hip["refused"]))
    state = HipState(hip["state"])
    return Card(
        title=title,
        value=state.words,
        interval=f"p = {hip['p_fracture']:.3f}",
        what=advice(state),
    )


def _sides_card(facts: Mapping[str, Any]) -> Card:
    source = str(facts.get("side_source") or "")
    value, what = _SOURCES.get(source, (source, ""))
    return Card("Right and left", value, "", what)


def _chart(picture: npt.NDArray[np.uint8], *, has_heat: bool) -> Chart:
    height, width = picture.shape[:2]
    wide = min(_PAGE_IN, _PICTURE_IN * width / height)
    words = f"The film with the model's heat map. {LOOKED} Each hip has its own scale." if has_heat else "The film."
    # write_pdf draws charts at 84 %, since they are made for the screen; a film is not.
    return Chart("", _jpeg(picture), wide / 0.84, wide * height / width / 0.84, alt=words, caption=words)


def _origin(answer: Answer, written_utc: str) -> Table:
    facts = answer.facts
    width, height = facts["film_size"] or ("?", "?")
    midline = facts.get("midline_px")
    rows = [
        ("Film", text_name(Path(str(facts["file"])))),
        ("Film, SHA-256", str(facts["film_id"])),
        ("Size", f"{width} x {height} pixels"),
        ("Midline", "none" if midline is None else f"x = {midline:.0f}"),
        ("Model", str(facts["model"]["name"])),
        ("Model, SHA-256", str(facts["model"]["sha256"])),
        ("States", _cuts(facts)),
        ("Computed in", f"{facts['seconds']:.2f} s"),
        ("Page written", f"{written_utc[:19].replace('T', ' ')} UTC"),
    ]
    return Table((), tuple(rows), widths=(0.25, 0.75))


def _cuts(facts: Mapping[str, Any]) -> str:
    cuts = facts["model"].get("thresholds")
    if not cuts:
        return "by the thresholds in the model's card"
    low, high = (float(cut) for cut in cuts)
    return f"no fracture below p = {low:.3f}, fracture from p = {high:.3f}, doubt between"


def _caption(answer: Answer) -> tuple[str, ...]:
    facts = answer.facts
    answered = [hip for hip in facts["hips"] if not hip.get("refused")]
    hips = "      ".join(
        f"{hip['side']}  {HipState(hip['state']).words}  p = {hip['p_fracture']:.3f}" for hip in answered
    )
    refused = [str(hip["refused"]) for hip in facts["hips"] if hip.get("refused")]
    looked = LOOKED if answered else ""
    lines = (
        str(facts["refused"] or ""),
        hips,
        *refused,
        looked,
        f"{facts['model']['name']}.  {facts['model']['notice']}",
    )
    return tuple(line for line in lines if line)


def _film_of(answer: Answer) -> Film:
    file = str(answer.facts["file"])
    film = read_film(Path(file))
    if film.radiograph.film_id != answer.facts["film_id"]:
        raise UserError(ErrorCode.FILM_CHANGED, path=file)
    return film


def _shown(answer: Answer) -> list[tuple[str, Window]]:
    return [(str(hip["side"]), _window(hip)) for hip in answer.facts["hips"]]


def _heat_path(answer: Answer, hip: tuple[str, Window]) -> Path:
    """Beside the answer, whatever folder both lay in when it was written."""
    return answer.path.with_name(f"{answer.stem}_{hip[0]}_heat.png")


def _row(answer: Answer, seen_utc: str) -> Any:
    facts = answer.facts
    return answered_row(
        facts,
        stamp=FileStamp(0, 0),
        seen_utc=seen_utc,
        answer=answer.path.name,
        model=str(facts["model"]["name"]),
        model_sha256=str(facts["model"]["sha256"]),
    )


def _window(hip: Mapping[str, Any]) -> Window:
    return Window(*(float(edge) for edge in hip["window_px"]))


def _jpeg(picture: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=90)
    return data.getvalue()
