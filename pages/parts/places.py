"""Where runs lie and who sees them: of uploads their visitor alone, of the served data all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st
from parts.endpoints import environment_of
from parts.entry import visitor
from parts.state import is_own

import workbench as wb
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.annotate.process import runs_in, start
from workbench.annotate.run import prepare


def root() -> Path:
    """Return where runs are kept: the folder runs/ of where the dashboard was started."""
    return Path(os.environ.get("WORKBENCH_RUNS", "runs"))


def own() -> Path:
    """Return where runs of this visitor's uploads are kept: the name does not tell the secret."""
    return root() / "visitors" / hashlib.sha256(visitor().encode()).hexdigest()[:24]


def place_for(data: wb.PreferenceData) -> Path:
    """Return where a run of some data goes: runs of an upload are seen by its visitor alone."""
    if not is_own(data):
        return root()
    # other users of the machine shall not read them either
    own().parent.mkdir(parents=True, exist_ok=True)
    own().parent.chmod(0o700)
    return own()


def title_of(path: Path) -> str:
    """Return how a folder of results is called on a page."""
    return path.name if path.parent == root() else f"{path.name} (yours)"


def known_runs(*tasks: str) -> dict[str, RunFolder]:
    """Return the runs that this visitor may see, by title: of uploads, of the served data."""
    found = [run for folder in (own(), root()) for run in runs_in(folder)]
    return {title_of(run.path): run for run in found if not tasks or run.config.task in tasks}


def scratch() -> Path:
    """Return a folder for files of this session: nobody else's, and gone with it."""
    if "scratch" not in st.session_state:
        st.session_state["scratch"] = TemporaryDirectory()
    return Path(st.session_state["scratch"].name)


def launch(folder: RunFolder) -> None:
    """Start a run, or take it up again, with the key of its endpoint and no other."""
    start(folder, environment=environment_of(folder.config))


def begin(config: AnnotateConfig, data: wb.PreferenceData, key: str) -> None:
    """Start a run of a configuration, and look at it; the key is that of the choice of runs."""
    name, parent = config.slug(data.digest), place_for(data)
    taken = {run.path.name for run in runs_in(parent)}
    # the same name may hold a run of other options
    place = next(parent / f"{name}-{k}" for k in range(1, 1000) if f"{name}-{k}" not in taken)
    launch(prepare(config, data, place))
    st.session_state[key] = title_of(place)
    st.rerun()
