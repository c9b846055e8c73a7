"""The exit code of a command whose findings are of a wanted level or rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.finding import Finding

FAILED = 3
"""Exit code where --fail-on found something."""


def failing(found: list[Finding], wanted: tuple[str, ...]) -> list[Finding]:
    """Return the findings whose level or rule is wanted.

    Parameters
    ----------
    found : list of Finding
    wanted : tuple of str
        ``warning``, ``note``, or a rule.

    Raises
    ------
    ConfigError
        Neither a level nor a rule.
    """
    from workbench.report.findings import ALL_RULES

    unknown = [one for one in wanted if one not in ("warning", "note", *ALL_RULES)]
    if unknown:
        raise ConfigError(
            f"--fail-on knows no {unknown[0]!r}.",
            expected="warning, note, or a rule: " + ", ".join(ALL_RULES),
            fix="Check the spelling.",
        )
    return [one for one in found if one.level in wanted or one.rule_id in wanted]
