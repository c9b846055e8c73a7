"""The verb that writes pairs as files that a labelling tool opens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.calibration.tasks.layouts import LAYOUTS
from workbench.calibration.tasks.tasks import tasks_of
from workbench.data.dataset import PreferenceData
from workbench.data.on_view.spreadsheet import to_csv
from workbench.errors import ConfigError, listed, refuse_out_of_range, seed_option
from workbench.whole_file import write_text


def write_tasks(
    data: PreferenceData,
    pair_ids: Sequence[str],
    folder: str | Path,
    to: str | Sequence[str] = ("label-studio", "argilla", "csv"),
    *,
    seed: int = 0,
) -> list[Path]:
    """Write pairs for people to label, which response is left drawn by lot.

    Parameters
    ----------
    data : PreferenceData
        With texts.
    pair_ids : sequence of str
        Such as those of :func:`workbench.choose_pairs` or :func:`workbench.route`.
    folder : str or Path
    to : str or sequence of str
        ``label-studio`` (``tasks.json`` to import, ``config.xml`` as labelling interface),
        ``argilla`` (``records.json``, ``settings.json`` of Argilla 2) and ``csv``: a folder
        of each.
    seed : int
        Of the sides.

    Returns
    -------
    list of Path
        The files; ``key.csv`` says of each task which response is left.

    Raises
    ------
    ConfigError
        An unknown tool.
    DataError
        No pairs, unknown ones, or pairs without texts.

    Notes
    -----
    Texts of the data are shown as they are: no HTML, no Markdown, no formula of a spreadsheet.
    Neither models nor what a judge said is in any file. :func:`workbench.with_answers` reads
    what the tools export.

    Examples
    --------
    >>> import tempfile, workbench as wb
    >>> data = wb.load("sample")
    >>> with tempfile.TemporaryDirectory() as place:
    ...     [path.name for path in write_tasks(data, data.pairs["pair_id"][:5], place, "csv")]
    ['key.csv', 'tasks.csv']
    """
    refuse_out_of_range({"seed": seed_option(seed)})
    tools = known_tools(to)
    tasks = tasks_of(data, pair_ids, seed)
    texts = {Path("key.csv"): to_csv(tasks[["task_id", "pair_id", "left_is"]])}
    for name in tools:
        texts |= {Path(name) / file: text for file, text in LAYOUTS[name](tasks).items()}
    paths = []
    for file, text in texts.items():
        path = Path(folder) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
        paths.append(path)
    return paths


def known_tools(to: str | Sequence[str]) -> list[str]:
    """Return the labelling tools that were named, once each.

    Parameters
    ----------
    to : str or sequence of str

    Raises
    ------
    ConfigError
        An unknown tool, or none.

    Examples
    --------
    >>> known_tools(["csv", "argilla", "csv"])
    ['csv', 'argilla']
    """
    tools = list(dict.fromkeys(listed("to", to)))
    unknown = [name for name in tools if name not in LAYOUTS]
    if unknown or not tools:
        raise ConfigError(
            "There is no such labelling tool.",
            found=", ".join(unknown) or "none",
            expected=", ".join(LAYOUTS),
            fix="Name some of these.",
        )
    return tools
