"""What is sent for a request: its own fields, bent as its server wants them, and added ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.llm.asking.bends import Form, bent
from workbench.llm.reading import PATHS, response_format
from workbench.llm.request import Request


def body_of(
    request: Request, bends: Sequence[str] = (), extra: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], Form]:
    """Return the body of a call, and the bends that changed it.

    Parameters
    ----------
    request : Request
    bends : sequence of str
        In the order in which they apply.
    extra : mapping, optional
        Fields that are added to a chat completion, in the place of its own.

    Examples
    --------
    >>> body, form = body_of(Request("m", ()), ["omit seed"], {"top_k": 1})
    >>> form, "seed" in body, body["top_k"]
    (('omit seed',), False, 1)
    """
    body = request.body()
    if request.schema is not None:
        body |= response_format(request.schema, PATHS[0])
    form: Form = ()
    if bends:
        body, form = bent(body, bends)
    if extra and request.inputs is None:
        body |= extra
    return body, form
