"""Folders whose files belong together: benchmarks, saved data sets, runs."""

from __future__ import annotations

from pathlib import Path

from workbench.data import store
from workbench.data.formats.registry import FORMATS, get_format
from workbench.data.reading.container import Container
from workbench.data.reading.record_tables import table_of


def of_folder(folder: Path, name: str | None) -> tuple[Container, str] | None:
    """Return the records of a folder whose files are joined, and their format; None for others.

    Parameters
    ----------
    folder : Path
    name : str, optional
        Of the format; each that joins files is tried when None.
    """
    for found in map(get_format, FORMATS if name is None else (name,)):
        records = None if found.of_folder is None else found.of_folder(folder)
        if records is not None:
            table, notes = table_of(records)
            return Container(folder.name, table, notes=notes), found.name
    return None


def is_whole(folder: Path) -> bool:
    r"""Tell whether the files of a folder are to be read together and not one after the other.

    They are where :func:`workbench.load` joins them or opens the folder as one: the files of a
    benchmark, of a saved data set or of a run.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = Path(place, "votes.csv").write_text("text_a,text_b,label\nx,y,a\n")
    ...     is_whole(Path(place))
    False
    """
    opens = (store.is_saved, store.is_run, store.is_whole_run, store.is_curation)
    return any(test(folder) for test in opens) or of_folder(folder, None) is not None
