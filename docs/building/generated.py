"""Parts of pages that are made from the code when the pages are read.

A line ``<!-- made: NAME -->`` of a page becomes what :data:`PARTS` makes of that name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

SHARED = "How a table is read"
"""Options of every verb that reads data, which are told once."""

EVERY = ("--config", "--seed", "--out", "--json", "--quiet", "--debug")
"""Options of nearly every verb, likewise."""

FAMILIES = {
    "tools": "Logs and exports of tools",
    "contexts": "Criteria and prompts of each side",
    "battles": "Battles and choices of people",
    "judged": "Judges' outputs and benchmarks with known answers",
    "rated": "Ratings, rankings and crowds",
    "training": "What models are trained on",
}
OTHER = "Any other table"


def plain(text: object) -> str:
    r"""Return text on one line that Markdown shows as it is, in a cell of a table too.

    Examples
    --------
    >>> plain("a|b *c*")
    'a\\|b \\*c\\*'
    """
    return re.sub(r"([\\`*_{}<>|#$~\[\]])", r"\\\1", " ".join(str(text or "").split()))


def verbs(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every verb of the command line, those of groups as well, with its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs(command, (*path, name))
        elif not command.hidden:
            yield (*path, name), command


def _takes(parameter: Any, context: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return ""
    told = str(parameter.metavar or parameter.display_type(context)).strip("<>")
    return told.replace("list[str]", "text, ...").replace("str", "text")


def _default(parameter: Any) -> str:
    value = parameter.default
    return "" if value in (None, False, ..., (), []) or callable(value) else str(value)


def _row(parameter: Any, context: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    cells = (_takes(parameter, context), _default(parameter), parameter.help)
    return f"| {names} | {' | '.join(map(plain, cells))} |"


def _table(options: list[Any], context: Any) -> list[str]:
    head = ["| option | takes | default | what it does |", "| --- | --- | --- | --- |"]
    return [*head, *(_row(one, context) for one in options), ""]


def _context(command: Any) -> Any:
    return command.make_context("workbench", [], resilient_parsing=True)


def _verb(path: tuple[str, ...], command: Any, shared: dict[str, Any]) -> list[str]:
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    reading = [one for one in options if one.rich_help_panel == SHARED]
    usual = [one for one in options if one.opts[0] in EVERY]
    usual = usual if len(usual) == len(EVERY) else []
    own = [one for one in options if one not in (*reading, *usual) and one.name != "help"]
    shared |= {one.opts[0]: one for one in (*reading, *usual)}
    takes = " ".join(str(one.metavar or one.name.upper()) for one in arguments)
    lines = [f"## {' '.join(path)}", "", plain(command.help), ""]
    lines += ["```text", f"workbench {' '.join(path)} [OPTIONS] {takes}".rstrip(), "```", ""]
    for one in arguments:
        name = one.metavar or one.name.upper()
        lines += [f"`{name}`", f": {plain(one.help) or 'see above'}", ""]
    lines += _table(own, _context(command)) if own else []
    links = ["[how a table is read](#how-a-table-is-read)"] if reading else []
    links += ["[every verb](#every-verb)"] if usual else []
    return [*lines, *([f"And the options of {' and of '.join(links)}.", ""] if links else [])]


def commands() -> str:
    """Return the reference of the command line, from the help of every verb."""
    from typer.main import get_command

    from workbench.cli.main import app

    whole = get_command(app)
    shared: dict[str, Any] = {}
    lines = [line for path, one in verbs(whole) for line in _verb(path, one, shared)]
    usual = [shared.pop(name) for name in EVERY if name in shared]
    for head, told in ((SHARED, [*shared.values()]), ("Every verb", usual)):
        lines += [f"## {head}", "", *_table(told, _context(whole))]
    return "\n".join(lines)


def formats() -> str:
    """Return every format that files are held against, by family."""
    from workbench.data.formats.registry import FORMATS, get_format

    layouts = {room: import_module(f"workbench.data.formats.{room}").LAYOUTS for room in FAMILIES}
    rest = [name for name in FORMATS if not any(name in known for known in layouts.values())]
    lines: list[str] = []
    for title, names in (*((FAMILIES[room], layouts[room]) for room in FAMILIES), (OTHER, rest)):
        lines += ["", f"## {title}", "", "| format | what it is |", "| --- | --- |"]
        lines += [f"| `{name}` | {plain(get_format(name).title)} |" for name in names]
    return "\n".join(lines)


def factors() -> str:
    """Return every factor that is computed from text, by family, each on two tiny texts."""
    from workbench.factors import FAMILIES as BY_FAMILY
    from workbench.factors.glossary import EXAMPLES

    lines: list[str] = []
    for family, specs in BY_FAMILY.items():
        head = ["| factor | what it is | for example |", "| --- | --- | --- |"]
        lines += ["", f"### {family.capitalize()}", "", *head]
        for one in specs:
            shown = EXAMPLES[one.name]
            asked = f"to *{plain(shown.prompt)}*: " if shown.prompt else ""
            texts = ((shown.a, shown.value_a), (shown.b, shown.value_b))
            told = [f"{plain(' ⏎ '.join(t.splitlines()))} → **{value:.4g}**" for t, value in texts]
            lines.append(f"| `{one.name}` | {plain(one.meaning)} | {asked}{' · '.join(told)} |")
    return "\n".join(lines)


def rest() -> str:
    """Return entries for the public names that no page of the reference has."""
    import workbench

    pages = (Path(__file__).resolve().parents[1] / "reference").glob("*.md")
    told = set(re.findall(r":: workbench\.(\w+)$", "".join(map(_text, pages)), re.MULTILINE))
    lines: list[str] = []
    for name in dir(workbench):
        found = getattr(workbench, name)
        ours = str(getattr(found, "__module__", "")).startswith("workbench")
        if ours and callable(found) and name[0] != "_" and name not in told:
            kind = "autoclass" if isinstance(found, type) else "autofunction"
            members = ["   :members:"] if kind == "autoclass" else []
            lines += ["```{eval-rst}", f".. {kind}:: workbench.{name}", *members, "```", ""]
    return "\n".join(lines)


def _text(page: Path) -> str:
    return page.read_text("utf-8")


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "formats": formats,
    "factors": factors,
    "rest": rest,
}


def _made(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = re.sub(
        r"^<!-- made: (\w+) -->$", lambda found: PARTS[found[1]](), source[0], flags=re.MULTILINE
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of it."""
    app.connect("source-read", _made)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
