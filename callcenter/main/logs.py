"""Logs: one line per event, readable on a terminal, JSON elsewhere; secrets are blanked whatever the caller passes."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_WORDS = ("password", "secret", "token", "cookie", "authorization", "sealed")


def _blank_secrets(_logger: object, _name: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every field whose name says it is a secret."""
    for name in fields:
        if any(word in name.lower() for word in _SECRET_WORDS):
            fields[name] = "***"
    return fields


def configure(level: str, process: str) -> None:
    """Send structlog and the standard library's logging to standard error, each line naming its process."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)

    def name_process(_logger: object, _name: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        fields["process"] = process  # in every thread, which a context variable would not reach
        return fields

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_process,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _blank_secrets,
    ]
    terminal = sys.stderr.isatty()
    # Its own way with tracebacks would print variables, and with them tokens and passwords.
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    last: structlog.typing.Processor = console if terminal else structlog.processors.JSONRenderer()
    formatting: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    formatting += [] if terminal else [structlog.processors.format_exc_info]
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*formatting, last])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=number, force=True)
    for noisy in ("aioice", "aiortc", "uvicorn.access", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
