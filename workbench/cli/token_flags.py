"""Flags that say how prompt and response become tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from workbench.scoring.policy import TokenPolicy

ModeFlag = Annotated[
    Literal["raw", "chat"] | None,
    typer.Option(help="Text as it is (raw, if not given), or the chat template."),
]
LikeFlag = Annotated[
    Literal["trl", "axolotl", "llama-factory"] | None,
    typer.Option(help="Make tokens as this trainer does by default; the flags below change it."),
]
SeparatorFlag = Annotated[
    str | None,
    typer.Option(help=r"Raw: between prompt and response (\n is a line end); nothing if not set."),
]
EosFlag = Annotated[
    bool | None, typer.Option("--eos/--no-eos", help="Raw: score the end-of-sequence token.")
]
BosFlag = Annotated[
    Literal["once", "tokenizer", "none"] | None,
    typer.Option(help="Raw: what the tokenizer adds; not what the text has already; or nothing."),
]
BackOffFlag = Annotated[
    bool | None,
    typer.Option(
        "--back-off/--no-back-off",
        help="Where a prompt's tokens are no beginning of the whole: score from what they share, "
        "or leave the pair out.",
    ),
]
MaxLengthFlag = Annotated[
    int | None, typer.Option(min=0, help="Cut prompt and response to so many tokens; 0: never.")
]
KeepFlag = Annotated[
    Literal["start", "end"] | None, typer.Option(help="What is kept of what is cut.")
]


def policy_of(
    mode: Literal["raw", "chat"] | None, like: str | None, max_length: int | None, **flags: Any
) -> TokenPolicy:
    """Return the policy that the flags ask for; what is not set is the trainer's, or ours."""
    from workbench.scoring.presets import policy_like

    own = {name: value for name, value in flags.items() if value is not None}
    if max_length is not None:
        own["max_length"] = max_length or None
    if "separator" in own:
        own["separator"] = own["separator"].replace("\\n", "\n").replace("\\t", "\t")
    return policy_like(like, mode or "raw", **own)
