"""What stands beside the results of a run: a prompt, votes, pairs."""

from __future__ import annotations

from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.annotate.tasks import Found
from workbench.data import store


def write_beside(folder: RunFolder, config: AnnotateConfig, found: Found) -> None:
    """Write what of a result is no table.

    Parameters
    ----------
    folder : RunFolder
    config : AnnotateConfig
    found : Result
    """
    if config.mends is not None:
        from workbench.calibration.repair.result import Repair

        if isinstance(found, Repair):
            found.save(folder.results)
    if config.directions is not None:
        from workbench.discover.result import Discovery

        if isinstance(found, Discovery):
            found.save(folder.results / "discovery")
    if config.principles is not None:
        from workbench.principles.extraction import Extraction
        from workbench.principles.vote.votes_table import write_votes

        if isinstance(found, Extraction):
            write_votes(found.votes, folder.results / "votes.parquet")
    if config.feedback is not None:
        from workbench.feedback.result import Feedback

        if isinstance(found, Feedback) and len(found.pairs):
            store.save(found.to_preference_data(), folder.results / "pairs")
