"""The sample project that ships: simulated films, so a first look needs no patient's film and no hospital's network."""

from __future__ import annotations

from pathlib import Path

from hipcad_desktop.app.box import default_model
from hipcad_desktop.app.paths import resource, user_data

__all__ = ["READER", "default_model", "sample_films", "sample_folder", "sample_project"]

READER = "Sample reader"


def sample_folder() -> Path:
    """Where the sample project lies, made or not."""
    return user_data() / "sample-project"


def sample_films() -> list[Path]:
    """The shipped simulated films."""
    return sorted(resource("sample").glob("*.dcm"))


def sample_project(folder: Path | None = None) -> Path:
    """The sample project's folder, made on first use: the films copied in, half of them read by a sample reader."""
    from hipcad_desktop.domain.progress import Watch
    from hipcad_desktop.workflows.import_films import import_films
    from hipcad_desktop.workflows.open_project import open_project
    from hipcad_desktop.workflows.readings_table import import_readings

    target = folder or sample_folder()
    with open_project(target, create=True) as project:
        import_films(project, sample_films(), copy=True, watch=Watch())
        import_readings(project, resource("sample", "readings.csv"), reader=READER, watch=Watch())
    return target
