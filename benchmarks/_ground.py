"""What the benchmarks stand on: a durable PostgreSQL of their own, a county in it, and how results are told."""

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psutil
from rich.console import Console
from rich.table import Table
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin import install
from xinglin.base import clock, database
from xinglin.base.actor import Actor
from xinglin.base.cluster import Cluster
from xinglin.base.database import Database
from xinglin.demo.sample import MAKERS, shape_of
from xinglin.formulary import actions as formulary
from xinglin.formulary.actions import NewProduct
from xinglin.people.actions import token_hash
from xinglin.people.models import Account, Credential, Post
from xinglin.people.rules import Role, verbs_of
from xinglin.places import actions as places
from xinglin.places.models import Place
from xinglin.stock import actions as stock
from xinglin.stock.actions import Issued, Received
from xinglin_catalog.edition import load_edition

COUNTY = "659999"
SCHEMA = f"county_{COUNTY}"
EVERYTHING = frozenset(verb for role in Role for verb in verbs_of(role))
BUILDER = Actor(UUID(int=1), "bench", Role.ADMIN, COUNTY, None, EVERYTHING)
SUPPLIER, DEPOT, FIRST_CLINIC = UUID(int=0xA1), UUID(int=0xA2), 0x1000
FIRST_ACCOUNT = 0x10_0000
FIRST_NO = 700
PRICED_FROM = date(2026, 9, 1)
DAYS_OF_USE = (3, 17, 31, 45, 59, 73)


# Numbers make names: so that pgbench can make the same ones.


def clinic(number: int) -> UUID:
    """The place of a clinic."""
    return UUID(int=FIRST_CLINIC + number)


def account(number: int) -> UUID:
    """The account of the doctor of a clinic."""
    return UUID(int=FIRST_ACCOUNT + number)


def token(number: int) -> str:
    """The API token of the doctor of a clinic."""
    return f"token-{number}"


@dataclass(frozen=True)
class Ground:
    """A county to measure on: where its database is, how many clinics, which products every clinic may order."""

    url: str
    folder: Path
    clinics: int
    products: list[tuple[UUID, int]]
    """Each with the base units of its pack."""


@contextlib.contextmanager
def ground(
    *, clinics: int, products: int, stocked: int = 0, used: int = 0, packs: int = 10_000
) -> Iterator[Ground]:
    """A county on a server as durable as in production, gone afterwards.

    `stocked` products lie at the depot, `packs` of each in two lots; each clinic has used `used` of them.
    """
    folder = Path(tempfile.mkdtemp(prefix="xinglin-bench-"))
    try:
        with Cluster(folder / "postgres") as cluster:
            url = cluster.ensure_database(install.DATABASE)
            kept = asyncio.run(_build(url, clinics, products, stocked, used, packs))
            yield Ground(url, folder, clinics, kept)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _build(
    url: str, clinics: int, products: int, stocked: int, used: int, packs: int
) -> list[tuple[UUID, int]]:
    await install.prepare(url)
    await install.create_county(url, COUNTY, "测试县")
    base = Database(url, pool_size=2)
    async with base.transaction(COUNTY) as session:
        await _places_and_people(session, clinics)
        await formulary.adopt_edition(session, BUILDER, "2026")
        drafts = new_products(products)
        ids = await formulary.add_products(session, BUILDER, drafts, valid_from=PRICED_FROM)
    listed = [(id, draft) for id, draft in zip(ids, drafts, strict=True) if draft.control == "none"]
    kept = random.Random(1).sample(listed, min(max(stocked, 1000), len(listed)))
    async with base.transaction(COUNTY) as session:
        await _stock_up(session, DEPOT, kept[:stocked], packs, clock.today() - timedelta(days=90))
    for number in range(clinics if used else 0):
        await _use(base, number, random.Random(number).sample(kept, min(used, len(kept))))
    async with base.engine.connect() as connection:
        await connection.exec_driver_sql("COMMIT")
        await connection.exec_driver_sql("VACUUM ANALYZE")
    await base.close()
    return [(id, draft.pack_size) for id, draft in kept]


async def _places_and_people(session: AsyncSession, clinics: int) -> None:
    for id, no, kind, supplied_by in (
        (SUPPLIER, 1, "supplier", None), (DEPOT, 2, "township_central_pharmacy", SUPPLIER),
        *((clinic(i), FIRST_NO + i, "village_clinic", DEPOT) for i in range(clinics)),
    ):  # fmt: skip
        place = Place(
            id=id,
            no=no,
            code=f"B-{no}",
            kind=kind,
            name=f"卫生室{no}",
            opening=[],
            supplied_by_id=supplied_by,
        )
        await places.add(session, BUILDER, place)
    people = [(account(i), clinic(i), Role.VILLAGE_DOCTOR, token(i)) for i in range(clinics)]
    people.append((UUID(int=0xB2), DEPOT, Role.TOWNSHIP_PHARMACIST, "token-depot"))
    made_at, expires_at = clock.now(), clock.now() + timedelta(days=2)
    for id, place_id, role, secret in people:
        session.add(Account(id=id, username=str(id), name=f"doctor {id.int:x}", made_at=clock.now()))
        await session.flush()
        session.add(Post(id=id, account_id=id, county=COUNTY, place_id=place_id, role=role))
        await session.flush()
        session.add(
            Credential(
                token_hash=token_hash(secret),
                account_id=id,
                post_id=id,
                kind="token",
                made_at=made_at,
                expires_at=expires_at,
            )
        )
    await session.flush()


def new_products(count: int) -> list[NewProduct]:
    """Items of the 2026 list in each form and strength, from each of the makers."""
    every = [
        (item, form, strength)
        for item in load_edition("2026").items
        for form in item.forms
        for strength in (form.strengths or ("",))
    ]
    chance = random.Random(2026)
    made = []
    for number in range(count):
        item, form, strength = every[number % len(every)]
        shape, maker = shape_of(form.name), MAKERS[number // len(every) % len(MAKERS)]
        made.append(
            NewProduct(
                code=f"XJ{number:08d}", kind=item.kind.value, generic_name=item.name_zh,
                generic_name_en=item.name_en, trade_name=f"{maker[:2]}{item.name_zh[:2]}", maker=maker,
                dosage_form=form.name, strength=strength, base_unit=shape.base_unit, pack_unit=shape.pack_unit,
                pack_size=chance.choice(shape.sizes), case_size=shape.case, pack_weight_g=shape.weight_g,
                pack_volume_cm3=shape.volume_cm3, unit_price=Decimal(f"{chance.uniform(0.01, 3):.4f}"),
                control=item.draft.control_class.value, priority=item.draft.priority.value,
            )
        )  # fmt: skip
    return made


async def _stock_up(
    session: AsyncSession, place: UUID, kept: Sequence[tuple[UUID, NewProduct]], packs: int, on: date
) -> None:
    lines = [
        Received(
            id,
            f"L{days}",
            clock.today() + timedelta(days=days),
            packs * draft.pack_size,
            draft.unit_price or Decimal(0),
        )
        for id, draft in kept
        for days in (400, 700)
    ]
    if lines:
        await stock.receive(session, BUILDER, place, lines, supplier_id=SUPPLIER, occurred_on=on)


async def _use(base: Database, number: int, kept: Sequence[tuple[UUID, NewProduct]]) -> None:
    """Twelve weeks in the life of a clinic."""
    today = clock.today()
    async with base.transaction(COUNTY) as session:
        await _stock_up(session, clinic(number), kept, 20, today - timedelta(days=85))
    lines = [
        Issued(id, draft.pack_size * 2, today - timedelta(days=ago))
        for id, draft in kept
        for ago in DAYS_OF_USE
    ]
    async with base.transaction(COUNTY) as session:
        await stock.issue(session, BUILDER, clinic(number), lines)


# The service, as `xinglin serve` starts it.


@contextlib.contextmanager
def service(place: Ground, **settings: str) -> Iterator[tuple[str, int]]:
    """The real service on a free port, logging JSON to a file; where it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "XINGLIN_DATABASE_URL": place.url, "XINGLIN_HOST": "127.0.0.1", "XINGLIN_PORT": str(port),
        "XINGLIN_LOG_FORMAT": "json", "XINGLIN_DATA_DIR": str(place.folder / "data"), **settings,
    }  # fmt: skip
    with (place.folder / "service.log").open("ab") as said:
        started = subprocess.Popen(
            [sys.executable, "-m", "xinglin.cli", "serve"], stdout=said, stderr=said, env=environment,
            cwd=place.folder,
        )  # fmt: skip
        try:
            _wait_for(started, place.folder / "service.log", f"http://127.0.0.1:{port}/health")
            _wait_for_others(psutil.Process(started.pid))
            yield "127.0.0.1", port
        finally:
            started.terminate()
            started.wait(15)


def _wait_for(started: subprocess.Popen[bytes], log: Path, address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            if started.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the service did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.1)


def _wait_for_others(first: psutil.Process) -> None:
    """The other web processes are ready when they rest."""
    deadline = time.monotonic() + 30
    others = [child for child in first.children() if "spawn_main" in " ".join(child.cmdline())]
    while time.monotonic() < deadline:
        before = [sum(other.cpu_times()[:2]) for other in others]
        time.sleep(0.7)
        if all(sum(o.cpu_times()[:2]) - b < 0.03 and b > 0.5 for o, b in zip(others, before, strict=True)):
            return


# How results are told.


def options(description: str, **defaults: float) -> argparse.Namespace:
    """The command line of a benchmark: a number for each size, and --json."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in defaults.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(default), default=default, help=f"default {default}"
        )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    return parser.parse_args()


def tell(title: str, rows: Sequence[tuple[str, object]], figures: dict[str, float], as_json: bool) -> None:
    """A table for people, and with --json one line for machines."""
    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in rows:
        table.add_row(name, f"{value:,.3g}" if isinstance(value, float) else str(value))
    Console(width=110).print(table)
    if as_json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which that share lies."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


async def count_statements(session: AsyncSession) -> list[str]:
    """From now on every statement of this session's connection is noted here."""
    noted: list[str] = []
    (await database.driver(session)).add_query_logger(lambda query: noted.append(query.query))
    return noted
