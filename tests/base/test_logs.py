"""Logs hide secrets, whoever passes them and however."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from xinglin.base import logs


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root, before = logging.getLogger(), (logging.getLogger().handlers[:], logging.getLogger().level)
    logs.set_up("json", "info")
    structlog.configure(cache_logger_on_first_use=False)
    yield written
    structlog.reset_defaults()
    root.handlers[:], root.level = before


def last(written: io.StringIO) -> dict[str, object]:
    entry: dict[str, object] = json.loads(written.getvalue().strip().rsplit("\n", 1)[-1])
    return entry


@pytest.mark.parametrize(
    "key",
    ["password", "new_password", "token", "api_token", "Authorization", "secret", "cookie", "database_url"],
)
def test_what_is_called_a_secret_is_not_written(lines: io.StringIO, key: str) -> None:
    structlog.get_logger().info("came in", **{key: "hunter2hunter2", "path": "/orders"})
    assert "hunter2" not in lines.getvalue()
    assert last(lines)[key] == "***" and last(lines)["path"] == "/orders"


def test_a_secret_deep_in_what_is_logged_is_not_written(lines: io.StringIO) -> None:
    structlog.get_logger().info("came in", request={"headers": [{"authorization": "Bearer hunter2"}]})
    assert "hunter2" not in lines.getvalue()


@pytest.mark.parametrize(
    "said", ["postgresql://xinglin:hunter2@db.example/xinglin", "Authorization: Bearer hunter2"]
)
def test_a_secret_within_a_sentence_is_not_written(lines: io.StringIO, said: str) -> None:
    structlog.get_logger().warning("could not connect", reason=f"no answer from {said}")
    logging.getLogger("elsewhere").warning("no answer from %s", said)
    assert "hunter2" not in lines.getvalue() and "no answer from" in lines.getvalue()


def test_a_secret_in_a_traceback_is_not_written(lines: io.StringIO) -> None:
    try:
        raise ConnectionError("postgresql://xinglin:hunter2@db.example/xinglin is away")
    except ConnectionError:
        structlog.get_logger().exception("broke off")
        logging.getLogger("elsewhere").exception("broke off")
    assert "ConnectionError" in lines.getvalue() and "hunter2" not in lines.getvalue()


def test_who_asked_and_for_which_county_is_on_every_line(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1", county="654203"):
        structlog.get_logger().info("one")
        logging.getLogger("elsewhere").warning("two")
    for line in lines.getvalue().strip().split("\n"):
        assert {"request_id", "county"} <= set(json.loads(line))
