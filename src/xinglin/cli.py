"""The command `xinglin`: serve, work, verify, make counties, play the demo day."""

import asyncio
import ctypes
import gc
import json
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import asyncpg
import click
import uvicorn
import uvloop
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.exc import OperationalError

from xinglin import install, jobs
from xinglin.base import language, logs
from xinglin.base.cluster import ClusterError
from xinglin.base.database import Database
from xinglin.base.errors import N_, Refusal
from xinglin.base.settings import Settings, settings
from xinglin.demo import play
from xinglin.inspection import queries as inspection
from xinglin.web.assets import ensure_assets
from xinglin.worker import run_worker

GRACE_S = 5
COLLECT_AFTER = (20_000, 20, 50)
"""A request leaves hardly any rings behind: look for them thirty times less often than Python does by itself."""
P = ParamSpec("P")
R = TypeVar("R")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="xinglin")
def main() -> None:
    """杏林 Xinglin: medicine supply for a county, from the supplier to the last village clinic."""
    try:
        logs.set_up(settings().log_format, settings().log_level)
    except ValidationError as error:
        faults = "; ".join(f"XINGLIN_{str(f['loc'][0]).upper()}: {f['msg']}" for f in error.errors())
        raise click.ClickException(
            said_in_words(N_("A setting is wrong: {faults}."), faults=faults)
        ) from None


def said_in_words(message: str, **fields: Any) -> str:
    """A sentence in the language of the terminal."""
    return language.translate(_locale(), message, **fields)


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Refusals are one sentence on the terminal, and exit status 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except Refusal as refusal:
            raise click.ClickException(said_in_words(refusal.message, **refusal.fields)) from None
        except ClusterError as error:
            raise click.ClickException(str(error)) from None
        except (OSError, asyncpg.PostgresError, OperationalError) as error:
            sentence = N_("The database does not answer as it should: {error}. Look at XINGLIN_DATABASE_URL.")
            raise click.ClickException(said_in_words(sentence, error=str(error).strip())) from None

    return run


def _locale() -> str:
    return language.choose(None, None, os.environ.get("LANG", "").replace("_", "-").split(".")[0])


@main.command()
@plainly
def serve() -> None:
    """Serve the desks and the API on XINGLIN_HOST:XINGLIN_PORT."""
    with install.server(settings()) as url:
        asyncio.run(install.prepare(url))
        run_service(url, settings())


def run_service(url: str, chosen: Settings, ready: Callable[[], None] = lambda: None) -> None:
    """The web service until it is stopped, in this process and those beside it; `ready` is called once it listens."""
    mine = share_of(chosen)
    config = server_config(url, mine)
    # uvicorn raises the signal that stopped it once more: then worker and database end in their order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listening = config.bind_socket()
    others = [
        multiprocessing.get_context("spawn").Process(
            target=serve_beside, args=(listening, url, mine), name=f"web-{number}", daemon=True
        )
        for number in range(2, chosen.web_processes + 1)
    ]
    for other in others:
        other.start()
    try:
        Service(config, ready).run(sockets=[listening])
    finally:
        for other in others:
            other.terminate()
        for other in others:
            other.join(GRACE_S)


def share_of(chosen: Settings) -> Settings:
    """What each web process may have of the connections."""
    return chosen.model_copy(update={"pool_size": max(4, chosen.pool_size // chosen.web_processes)})


def server_config(url: str, chosen: Settings) -> uvicorn.Config:
    """The service as uvicorn runs it."""
    from xinglin.app import create_app

    app = create_app(Database(url, pool_size=chosen.pool_size), chosen)
    gc.collect()
    gc.freeze()  # what is there from the start stays: the collector need not look through it again and again
    gc.set_threshold(*COLLECT_AFTER)
    return uvicorn.Config(
        app, host=chosen.host, port=chosen.port, loop="uvloop", http="httptools", log_config=None,
        access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_S,
    )  # fmt: skip


def serve_beside(listening: socket.socket, url: str, chosen: Settings) -> None:
    """One more web process on the same socket: Python uses one core in each. Ends with the first."""
    end_with_parent()
    logs.set_up(chosen.log_format, chosen.log_level)
    uvicorn.Server(server_config(url, chosen)).run(sockets=[listening])


class Service(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self.ready()


@main.command()
@click.option("--with-parent", is_flag=True, help="End when the process that started this one ends.")
@plainly
def worker(with_parent: bool) -> None:
    """Do the work for later: solve plans, seal the books, check them every night."""
    if with_parent:
        end_with_parent()
    with install.server(settings()) as url:
        asyncio.run(install.prepare(url))
        uvloop.run(work(url))


def end_with_parent() -> None:
    """Ask the kernel for a signal when the parent dies, however it dies."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


async def work(url: str) -> None:
    """The worker until it is stopped."""
    base = Database(url, pool_size=4)
    try:
        await run_worker(url, also=jobs.use(base))
    finally:
        await base.close()


@main.group()
def county() -> None:
    """Counties of this installation."""


@county.command("create")
@click.argument("code")
@click.argument("name")
@plainly
def county_create(code: str, name: str) -> None:
    """Make a county: its six-digit division code and its name, such as 654203 沙湾市."""
    with install.server(settings()) as url:
        asyncio.run(install.prepare(url))
        asyncio.run(install.create_county(url, code, name))
    click.echo(f"{code} {name}")


@county.command("list")
@plainly
def county_list() -> None:
    """The counties served here."""
    with install.server(settings()) as url:
        asyncio.run(install.prepare(url))
        for code, name in asyncio.run(install.counties(url)):
            click.echo(f"{code} {name}")


@county.command("admin")
@click.argument("code")
@click.argument("username")
@click.password_option(help="At least ten characters; asked for when not given.")
@plainly
def county_admin(code: str, username: str, password: str) -> None:
    """Open an administrator's account in a county: who then opens all others at the desk."""
    with install.server(settings()) as url:
        asyncio.run(install.prepare(url))
        asyncio.run(install.open_admin(url, code, username, password))
    click.echo(f"{code} {username}")


@main.command()
@click.option("--county", "code", help="Six-digit code; not needed where there is only one county.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
@plainly
def verify(code: str | None, as_json: bool) -> None:
    """Check trail and ledger: every seal, every balance. Names the first bad row; exit status 2 if there is one."""
    with install.server(settings()) as url:
        found = asyncio.run(_verify(url, code))
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else said(found))
    sys.exit(0 if found["is_whole"] else 2)


async def _verify(url: str, code: str | None) -> dict[str, Any]:
    base = Database(url, pool_size=2)
    try:
        chosen = await install.find_county(base, code)
        async with base.transaction(chosen) as session:
            checked = await inspection.verify(session)
    finally:
        await base.close()
    return {
        "county": chosen,
        "is_whole": checked.is_whole,
        "seals": checked.seals,
        "sealed_rows": checked.sealed_rows,
        "broken": checked.broken._asdict() if checked.broken else None,
        "unequal": [{k: str(v) for k, v in dict(row).items()} for row in checked.unequal],
    }


def said(found: dict[str, Any]) -> str:
    """What verification found, in words."""
    lines = [f"{found['county']}: {found['seals']} seals over {found['sealed_rows']} rows"]
    if broken := found["broken"]:
        lines.append(
            f"TRAIL BROKEN at seal {broken['seal']}, {broken['book']} row {broken['row']}: {broken['message']}"
        )
    else:
        lines.append("trail whole")
    for row in found["unequal"]:
        lines.append(
            f"LEDGER ≠ BALANCE at {row['place']}, lot {row['lot']} ({row['condition']}): "
            f"balance {row['on_hand']}, movements {row['moved']}; held {row['held']}, promised {row['promised']}"
        )
    if not found["unequal"]:
        lines.append("ledger = balance")
    return "\n".join(lines)


@main.command()
@click.option("--no-serve", is_flag=True, help="End after the day instead of serving it.")
@click.option("--json", "as_json", is_flag=True, help="End the output with one line of JSON.")
@click.option(
    "--townships", default=12, type=click.IntRange(1, 12), help="Play only the first so many townships."
)
@plainly
def demo(no_serve: bool, as_json: bool, townships: int) -> None:
    """Play one working day of 沙湾 Shawan county, then serve it on http://127.0.0.1:8000."""
    chosen = settings()
    if "log_level" not in chosen.model_fields_set:
        logs.set_up(chosen.log_format, "warning")
    ensure_assets()
    with install.server(chosen, parameters=play.SMALL) as url, play.working(url):
        console = Console(stderr=as_json, width=None if sys.stderr.isatty() else 140)
        password = play.run(
            url,
            chosen.data_dir,
            townships=townships,
            as_json=as_json,
            console=console,
            locale=_locale(),
            is_served=not no_serve,
        )
        if not no_serve:
            address = f"http://{chosen.host}:{chosen.port}"
            run_service(url, chosen, lambda: play.sign_ins(password, address, console))


if __name__ == "__main__":
    main()
