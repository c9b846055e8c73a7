"""What the overview is of: the results of the main job."""

from __future__ import annotations

from typing import Protocol

from workbench.compare.contrast import Contrast
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition
from workbench.results import Result


class Job(Protocol):
    """What the main job found: :class:`workbench.report.job.MainJob`."""

    @property
    def data(self) -> PreferenceData:
        """The data with the factors that were fitted."""

    @property
    def people(self) -> Decomposition:
        """Of the reference."""

    @property
    def judges(self) -> Decomposition | None:
        """Of those compared with it."""

    @property
    def gap(self) -> Contrast | None:
        """Where they differ from it."""

    @property
    def results(self) -> list[Result]:
        """All results, further ones too."""
