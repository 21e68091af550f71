"""Logs: structlog, JSON for machines or console for people, with request id, actor and county."""

import logging
import re
import sys
from typing import Any

import msgspec
import structlog

SECRET_WORDS = ("password", "token", "secret", "cookie", "authorization", "database_url")
PASSWORD_IN_URL = re.compile(r"(://[^\s:/@]*):[^\s/@]+@")
BEARER = re.compile(r"(?i)\b(bearer)\s+\S+")


def _hide_secrets(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """No secret reaches a log, whoever passes it, however deep it lies."""
    hidden: structlog.typing.EventDict = _hidden(event)
    return hidden


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "***" if _is_secret(key) else _hidden(part) for key, part in value.items()}
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(map(_hidden, value))
    if isinstance(value, str):
        return BEARER.sub(r"\1 ***", PASSWORD_IN_URL.sub(r"\1:***@", value))
    return value


def _is_secret(key: object) -> bool:
    return any(word in str(key).lower() for word in SECRET_WORDS)


def _as_json(event: dict[str, Any], **_: Any) -> str:
    """One line; whatever is no JSON by itself as its text."""
    return msgspec.json.encode(event, enc_hook=str).decode()


def set_up(format: str = "console", level: str = "info") -> None:
    """Send everything, the standard library's logs too, through structlog to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    drawn = (
        structlog.processors.JSONRenderer(serializer=_as_json)
        if format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    threshold = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, _hide_secrets, drawn],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _hide_secrets,
                drawn,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for noisy in ("uvicorn.access", "uvicorn.error", "alembic", "procrastinate", "asyncio"):
        logging.getLogger(noisy).setLevel(max(threshold, logging.WARNING))


log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
