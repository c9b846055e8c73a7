"""Models at hand for the tests of judges: planted answers, no server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workbench.llm.fence import unfenced
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

Says = Callable[[dict[str, str], Request], Any]


@dataclass
class Saying:
    """A model that says what a function makes of the fenced texts; a Reply is passed on."""

    says: Says
    base_url: str = "fake:model"
    asked: list[Request] = field(default_factory=list)

    async def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        value = self.says(unfenced(request.messages[-1]["content"]), request)
        if isinstance(value, Reply):
            return value
        return Reply(json.dumps(value), value, usage=Usage(10, 2))
