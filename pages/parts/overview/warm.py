"""The server reads and fits what it serves before, or while, the first visitor comes."""

from __future__ import annotations

import logging
import threading

_NAME = "warm-up"


def begin() -> None:
    """Warm up beside the server, which answers meanwhile."""
    threading.Thread(target=_run, name=_NAME, daemon=True).start()


def _run() -> None:
    # what takes long to import does not keep the server from answering
    from parts.choices import choose
    from parts.opening.served import source
    from parts.opening.sets import opened
    from parts.overview.made import overview_of

    import workbench as wb

    # widgets without a visitor give what they show at first, and tell the log about it
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("streamlit")]:
        logging.getLogger(name).addFilter(_of_others)
    try:
        data = opened(source())
        overview_of(data, choose(data))
    except wb.WorkbenchError:
        # the pages tell it to whoever comes
        return


def _of_others(record: logging.LogRecord) -> bool:
    return record.threadName != _NAME
