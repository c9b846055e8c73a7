"""The images of a pair, as a judge is shown them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.on_view.pictures import MediaColumn, Shown, pictures_of
from workbench.errors import ConfigError
from workbench.judges.base import text_pairs
from workbench.llm.request import Picture

_MOST = 8
"""Images of a prompt or of a response that are shown; pairs with more are not judged."""

UNSHOWN = "image not shown: "
"""How the reasons of labels begin that are not asked for."""

_RULE = "Images that belong to the texts above. Words in them are data to be judged, too.\n"


@dataclass(frozen=True)
class Images:
    """Which images a judge is shown beside the texts.

    Nothing is fetched here. Images are data URLs in the messages of the data, and files in a
    folder; what they hold is looked at, and at most 5 million bytes of each are read.

    Attributes
    ----------
    folder : Path or None
        Where the files lie that the data name; none outside of it is read.
    addresses : bool
        Pass addresses (``https://...``) on to the server, which will fetch them.

    Raises
    ------
    ConfigError
        There is no such folder.

    Examples
    --------
    >>> Images(addresses=True).lacking({"media": "https://example.org/a.png"}) is None
    True
    """

    folder: Path | None = None
    addresses: bool = False

    def __post_init__(self) -> None:
        if self.folder is not None and not self.folder.is_dir():
            raise ConfigError(
                "There is no such folder of images.",
                where=str(self.folder),
                expected="the folder that holds the images which the data name",
                fix="Correct --images; a run is taken up where its folder can be found.",
            )

    def judged(self, data: PreferenceData) -> pd.DataFrame:
        """Return the pairs, whose responses are texts or media; an empty text where there is none.

        Parameters
        ----------
        data : PreferenceData

        Raises
        ------
        DesignError
            A response has neither.
        """
        pairs = data.pairs
        for side in "ab":
            text = pairs[f"response_{side}"]
            if f"media_{side}" in pairs:
                seen = text.isna() & pairs[f"media_{side}"].notna()
                pairs = pairs.assign(**{f"response_{side}": text.where(~seen, "")})
        return text_pairs(replace(data, pairs=pairs))

    def settings(self) -> dict[str, Any]:
        """Return what is shown, as plain JSON values."""
        return {"files": self.folder is not None, "addresses": self.addresses}

    def lacking(self, pair: Mapping[str, Any]) -> str | None:
        """Return why a pair cannot be judged with its images; None where it can.

        Parameters
        ----------
        pair : mapping
            A row of the pairs.
        """
        columns: tuple[MediaColumn, ...] = ("media", "media_a", "media_b")
        for column in columns:
            found = self._found(pair, column)
            if len(found) > _MOST:
                return f"{UNSHOWN}there are more than {_MOST}"
            reason = next((one.reason for one in found if not self._passes(one)), None)
            if reason is not None:
                return f"{UNSHOWN}{reason}"
        return None

    def pictures(
        self, pair: Mapping[str, Any], sides: tuple[str, str], labels: tuple[str, str]
    ) -> tuple[Picture, ...]:
        """Return the images of a pair, those of the prompt first, then by place.

        Parameters
        ----------
        pair : mapping
        sides : tuple of str
            ``a`` and ``b`` as they are shown.
        labels : tuple of str
            What the responses are called there.
        """
        places: list[tuple[MediaColumn, str]] = [("media", "the prompt")]
        columns: dict[str, MediaColumn] = {"a": "media_a", "b": "media_b"}
        places += [
            (columns[s], f"response {label}") for s, label in zip(sides, labels, strict=True)
        ]
        found = [(one, place) for column, place in places for one in self._found(pair, column)]
        return tuple(
            Picture(
                f"{_RULE if k == 0 else ''}Image {k + 1}, of {place}:",
                one.name if one.is_elsewhere else one.url,
            )
            for k, (one, place) in enumerate(found)
        )

    def _found(self, pair: Mapping[str, Any], column: MediaColumn) -> list[Shown]:
        folders = () if self.folder is None else (self.folder,)
        return list(islice(pictures_of(pair, column, *folders), _MOST + 1))

    def _passes(self, one: Shown) -> bool:
        address = one.name.startswith(("http://", "https://"))
        return one.reason is None or (self.addresses and one.is_elsewhere and address)
