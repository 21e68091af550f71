"""The floor: pgbench running the very statements the service was seen to send, on the same server."""

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from typing import NamedTuple

import psycopg
from psycopg.rows import tuple_row

from benchmarks._ground import SCHEMA, Ground
from xinglin.base.cluster import _binaries

UUID_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Statement(NamedTuple):
    """One statement as the server logged it, with the text of each parameter (None: NULL)."""

    sql: str
    parameters: list[str | None]


def captured(ground: Ground, act: Callable[[], None]) -> list[list[Statement]]:
    """What the server was asked while something was done: the statements of each transaction."""
    log = ground.folder / "postgres" / "postgres.log"
    _log_statements(ground.url, "all")
    began = log.stat().st_size
    try:
        act()
    finally:
        _log_statements(ground.url, "none")
    with log.open("rb") as said:
        said.seek(began)
        return _transactions(said.read().decode())


def _log_statements(url: str, which: str) -> None:
    with psycopg.connect(url, autocommit=True, row_factory=tuple_row) as connection:
        for name, value in (
            ("log_statement", which),
            ("log_parameter_max_length", "-1"),
            ("log_line_prefix", "%p ~ "),
        ):
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("SELECT pg_sleep(0.3)")


def _transactions(said: str) -> list[list[Statement]]:
    """The log, entry by entry: statements and their parameters, cut at each COMMIT, backend by backend."""
    entries = re.split(r"^(?=\d+ ~ )", said, flags=re.MULTILINE)
    running: dict[str, list[Statement]] = {}
    done = []
    for entry in entries:
        found = re.match(r"(\d+) ~ (\w+):  (.*)", entry, flags=re.DOTALL)
        if not found:
            continue
        backend, kind, text = found.groups()
        text = text.rstrip("\n").replace("\n\t", "\n")
        mine = running.setdefault(backend, [])
        if kind == "LOG" and (sql := re.match(r"(?:statement|execute [^:]*): (.*)", text, flags=re.DOTALL)):
            mine.append(Statement(sql[1].rstrip("; \n"), []))
            if sql[1].startswith("COMMIT"):
                done.append(running.pop(backend))
        elif kind == "DETAIL" and text.lower().startswith("parameters: ") and mine:
            mine[-1] = mine[-1]._replace(parameters=_parameters(text[len("parameters: ") :]))
    return [_from_begin(transaction) for transaction in done]


def _from_begin(statements: list[Statement]) -> list[Statement]:
    begins = max(i for i, s in enumerate(statements) if s.sql.startswith("BEGIN"))
    return statements[begins:]


def _parameters(text: str) -> list[str | None]:
    found = re.findall(r"\$\d+ = (NULL|'(?:[^']|'')*')", text)
    return [None if value == "NULL" else value[1:-1].replace("''", "'") for value in found]


class Script:
    """A transaction as a pgbench script: the same statements, fresh values where the service has fresh ones."""

    def __init__(
        self,
        statements: Sequence[Statement],
        known: dict[str, str],
        *,
        setup: str = "",
    ) -> None:
        """`known` gives an SQL expression for a parameter's text; ids and lists of ids beside them are new ones."""
        self.constants: dict[str, str] = {}
        self._known = dict(known)
        self._fresh: dict[str, str] = {}
        lines = ["\\set n :n + 1", setup]
        lines += [self._line(statement) for statement in statements]
        self.text = "\n".join(lines) + "\n"

    def _line(self, statement: Statement) -> str:
        def put(found: re.Match[str]) -> str:
            return self._expression(statement.parameters[int(found[1]) - 1])

        return re.sub(r"\$(\d+)", put, " ".join(statement.sql.split())) + ";"

    def _expression(self, value: str | None) -> str:
        if not value:
            return "NULL" if value is None else "''"
        if value in self._known:
            return self._known[value]
        if UUID_FORM.fullmatch(value):
            return self._fresh.setdefault(value, fresh_id(len(self._fresh)))
        if re.fullmatch(r"\{[0-9a-f-]{36}(,[0-9a-f-]{36})*\}", value):
            return f"(SELECT array_agg(uuidv7()) FROM generate_series(1, {value.count(',') + 1}))"
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return f":{name}"


def fresh_id(which: int) -> str:
    """An id that is new in each transaction and the same wherever it stands in it; later ones sort after."""
    return f"(lpad(to_hex(:n::bigint), 16, '0') || lpad(to_hex(:client_id::bigint * 256 + {which}), 16, '0'))::uuid"


def floor_per_s(ground: Ground, script: Script, *, connections: int, seconds: float, start: int) -> float:
    """Transactions a second that pgbench gets through, one after the other on each connection."""
    command = [
        str(_binaries() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={connections}", "--jobs=1",
        f"--time={max(1, round(seconds))}", f"--define=n={start}",
    ]  # fmt: skip
    path = ground.folder / "floor.sql"
    path.write_text(script.text)
    command += [f"--file={path}", *(f"--define={name}={value}" for name, value in script.constants.items())]
    folder, port = re.search(r"host=(.*)&port=(\d+)", ground.url).groups()  # type: ignore[union-attr]
    where = {"PGHOST": folder, "PGPORT": port, "PGUSER": "xinglin", "PGDATABASE": "xinglin"}
    told = subprocess.run(
        command,
        env=os.environ | where | {"PGOPTIONS": f"-c search_path={SCHEMA},public"},
        capture_output=True,
        text=True,
    )
    found = re.search(r"tps = ([\d.]+)", told.stdout)
    if told.returncode or not found:
        raise RuntimeError(told.stdout + told.stderr)
    return float(found[1])
