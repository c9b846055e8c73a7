"""Data sets of the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.data.reading.files import PACKED, SUFFIXES, suffix_of
from workbench.errors import ConfigError, DataError

_SOURCE = re.compile(
    r"hub:(?P<repo>[\w.-]+/[\w.-]+)(?:/(?P<config>[\w.-]+))?(?::(?P<split>[\w.-]+))?"
)


def fetch(source: str) -> list[Path]:
    """Return the local files of a data set, downloaded or from the hub's cache.

    Parameters
    ----------
    source : str
        ``hub:owner/name[/config][:split]``; the split is ``train`` unless given. With
        ``HF_HUB_OFFLINE=1`` only the cache is used.

    Raises
    ------
    ConfigError
        huggingface_hub is not installed.
    DataError
        No such data set, configuration or split, or no file of a format that is read.
    """
    found = _SOURCE.fullmatch(source)
    if found is None:
        raise DataError(
            "The address of the hub data set is incomplete.",
            found=source,
            expected="hub:owner/name[/config][:split]",
            fix="For example hub:allenai/reward-bench:raw.",
        )
    repo, config, split = found["repo"], found["config"], found["split"] or "train"
    folder = _snapshot(repo)
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and suffix_of(path.name) in SUFFIXES
    )
    chosen = [path for path in files if _belongs(path.relative_to(folder), config, split)]
    if not chosen:
        names = ", ".join(str(path.relative_to(folder)) for path in files[:10])
        raise DataError(
            "The data set has no file of this configuration and split.",
            where=repo,
            found=names or "no Parquet, JSON or CSV file",
            expected=f"configuration {config or '(any)'}, split {split}",
            fix="Name them: hub:owner/name/config:split.",
        )
    return chosen


def _snapshot(repo: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise ConfigError(
            "Reading from the hub needs huggingface_hub.",
            found="huggingface_hub is not installed",
            expected="the extra `hub`",
            fix='pip install "preference-workbench[hub]"',
        ) from error
    patterns = [f"*{suffix}{packed}" for suffix in SUFFIXES for packed in ("", *PACKED)]
    try:
        return Path(snapshot_download(repo, repo_type="dataset", allow_patterns=patterns))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise DataError(
            "The data set cannot be had from the hub.",
            where=repo,
            found=str(error).splitlines()[0][:120],
            expected="a public data set, or one in the local cache",
            fix="Check the name and the network; private sets need HF_TOKEN.",
        ) from error


def _belongs(path: Path, config: str | None, split: str) -> bool:
    """Tell by the layouts of the hub: config/split-00000.parquet, data/split-*.parquet, ..."""
    words = re.split(r"[/\\]", str(path.with_name(path.name.split(".")[0])))
    name = re.split(r"-\d{5}", words[-1])[0]
    in_split = split in (name, *words[:-1]) or name.endswith((f"-{split}", f"_{split}"))
    in_config = config is None or config in words[:-1] or name.startswith(config)
    return in_split and in_config
