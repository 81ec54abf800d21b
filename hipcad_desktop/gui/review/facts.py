"""What review mode shows, read in one go on the project's thread; nothing of any answer while readers are blinded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hipcad_desktop.domain.annotation import ProjectPhase
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence

if TYPE_CHECKING:
    from hipcad_desktop.workflows.agreement import DisputedFilm, PairAgreement
    from hipcad_desktop.workflows.open_project import Project
    from hipcad_desktop.workflows.reader_study import ReaderProgress


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """pairs and disputes are empty while blinded; trouble says why there is no agreement to show."""

    phase: ProjectPhase
    progress: tuple[ReaderProgress, ...]
    pairs: tuple[PairAgreement, ...] = ()
    disputes: tuple[DisputedFilm, ...] = ()
    trouble: str = ""


def read_facts(project: Project) -> ReviewFacts:
    """For the project's thread."""
    from hipcad_desktop.workflows.agreement import agreement, disagreements, intra_reader
    from hipcad_desktop.workflows.reader_study import phase, progress

    now, readers = phase(project), progress(project)
    if now is ProjectPhase.BLINDED:
        return ReviewFacts(now, readers)
    again = tuple(intra_reader(project, reader=p.reader) for p in readers if p.round == 2 and p.answered)
    try:
        return ReviewFacts(now, readers, agreement(project) + again, disagreements(project))
    except UserError as error:
        return ReviewFacts(now, readers, again, (), sentence(error))
