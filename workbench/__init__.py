"""The Preference Workbench: what preference labels reward, with intervals.

The public verbs and types load on first use, so that importing the package is cheap.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench import data as data
    from workbench import factors as factors
    from workbench.data.dataset import PreferenceData as PreferenceData
    from workbench.data.dataset import concat as concat
    from workbench.data.load import load as load
    from workbench.data.load import preview as preview
    from workbench.data.split import split as split
    from workbench.data.store import open_folder as open_folder
    from workbench.data.store import save as save
    from workbench.decompose.contrast import Contrast as Contrast
    from workbench.decompose.contrast import contrast as contrast
    from workbench.decompose.decomposition import Decomposition as Decomposition
    from workbench.decompose.decomposition import decompose as decompose
    from workbench.errors import ConfigError as ConfigError
    from workbench.errors import DataError as DataError
    from workbench.errors import DesignError as DesignError
    from workbench.errors import WorkbenchError as WorkbenchError
    from workbench.factors.score import score_factors as score_factors
    from workbench.report.build import report as report

try:
    __version__ = version("preference-workbench")
except PackageNotFoundError:
    __version__ = "unknown"

_EXPORTS = {
    "PreferenceData": "workbench.data.dataset",
    "concat": "workbench.data.dataset",
    "load": "workbench.data.load",
    "preview": "workbench.data.load",
    "split": "workbench.data.split",
    "open_folder": "workbench.data.store",
    "save": "workbench.data.store",
    "score_factors": "workbench.factors.score",
    "decompose": "workbench.decompose.decomposition",
    "Decomposition": "workbench.decompose.decomposition",
    "contrast": "workbench.decompose.contrast",
    "Contrast": "workbench.decompose.contrast",
    "report": "workbench.report.build",
    "ConfigError": "workbench.errors",
    "DataError": "workbench.errors",
    "DesignError": "workbench.errors",
    "WorkbenchError": "workbench.errors",
}

_ROOMS = ("data", "factors")


class _Package(ModuleType):
    """The package module, on which a verb wins over the room of the same name.

    ``workbench.decompose`` is a function; ``from workbench.decompose import ...`` still
    imports from the room, as Python finds rooms by their full name.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _EXPORTS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(import_module(_EXPORTS[name]), name)
    elif name in _ROOMS:
        value = import_module(f"workbench.{name}")
    else:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS, *_ROOMS})
