"""Seals: whatever is done to a sealed row or to the chain is seen, and the first bad row is named."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from click.testing import CliRunner
from hypothesis import given, settings, strategies as st
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.conftest import ADDRESS, TEMPLATE, drop_database, fill, make_database
from tests.world import COUNTY, id_of
from xinglin import cli, install
from xinglin.base import database, seals, trail
from xinglin.base.cluster import Cluster
from xinglin.base.database import Database
from xinglin.base.settings import settings as chosen_settings
from xinglin.inspection import actions as inspection, queries as inspection_queries


@pytest.fixture(scope="module", autouse=True)
def own_server(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server for these tests alone: a seal waits for every open transaction, other databases' too."""
    before = os.environ[ADDRESS]
    with Cluster(tmp_path_factory.mktemp("seals") / "postgres", fast_and_unsafe=True) as cluster:
        os.environ[ADDRESS] = cluster.ensure_database("postgres")
        asyncio.run(fill(cluster.ensure_database(TEMPLATE)))
        yield
        os.environ[ADDRESS] = before


LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True)


# The tree


@settings(max_examples=200, deadline=None)
@given(LEAVES)
def test_every_leaf_is_proved(leaves: list[bytes]) -> None:
    root = seals.merkle_root(leaves)
    for index, leaf in enumerate(leaves):
        assert seals.is_proved(leaf, seals.merkle_proof(leaves, index), root)


@settings(max_examples=200, deadline=None)
@given(LEAVES, st.binary(min_size=32, max_size=32))
def test_no_other_leaf_is_proved_by_any_proof(leaves: list[bytes], other: bytes) -> None:
    root = seals.merkle_root(leaves)
    for index, leaf in enumerate(leaves):
        for wrong in {other, *leaves} - {leaf}:
            assert not seals.is_proved(wrong, seals.merkle_proof(leaves, index), root)


@settings(max_examples=200, deadline=None)
@given(LEAVES, st.data())
def test_a_tree_over_anything_else_has_another_root(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    root = seals.merkle_root(leaves)
    without = leaves[:index] + leaves[index + 1 :]
    assert seals.merkle_root(without) != root
    assert seals.merkle_root([*leaves, leaves[-1]]) != root
    if leaves != list(reversed(leaves)):
        assert seals.merkle_root(list(reversed(leaves))) != root


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    leaves = [bytes([i]) * 32 for i in range(4)]
    pair = hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    row = hashlib.sha256(b"\x00" + leaves[0] + leaves[1]).digest()
    assert pair != row
    assert seals.merkle_root([]) == hashlib.sha256(b"").digest()


# The chain


async def seal_a_day(base: Database) -> None:
    """Three seals: the opening, two receipts, a run that has left."""
    async with base.transaction(COUNTY) as session:
        await seals.seal(session)
    for lot in ("S1", "S2"):
        async with base.transaction(COUNTY) as session:
            await day.arrived(session, "central", "amoxicillin", 240, lot=lot)
    async with base.transaction(COUNTY) as session:
        await seals.seal(session)
    async with base.transaction(COUNTY) as session:
        await day.picked(session)
        await day.under_way(session)
    async with base.transaction(COUNTY) as session:
        await seals.seal(session)


@pytest.fixture(scope="module")
def sealed_url() -> Iterator[str]:
    """A county with three seals, for tests that do their harm in a transaction that is rolled back."""
    url = make_database()

    async def fill() -> None:
        base = Database(url, pool_size=1)
        await seal_a_day(base)
        await base.close()

    asyncio.run(fill())
    yield url
    drop_database(url)


class Sealed:
    """The sealed county within one transaction, asked for as if it were the whole database."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    @asynccontextmanager
    async def transaction(self, county: str) -> AsyncIterator[AsyncSession]:
        assert county == COUNTY
        yield self.session


@pytest.fixture
async def sealed(sealed_url: str) -> AsyncIterator[Sealed]:
    base = Database(sealed_url, pool_size=1)
    session, _ = await base.begin(f"SET LOCAL search_path TO county_{COUNTY}, public")
    try:
        yield Sealed(session)
    finally:
        await session.rollback()
        await session.close()
        await base.close()


@asynccontextmanager
async def superuser(base: Database | Sealed) -> AsyncIterator[asyncpg.Connection]:
    """Somebody who owns the database and switches its guards off."""
    if isinstance(base, Sealed):
        connection = await database.driver(base.session)
        await connection.execute("SET LOCAL session_replication_role = replica")
        yield connection
        return
    connection = await asyncpg.connect(base.url)
    try:
        await connection.execute(f"SET search_path TO county_{COUNTY}, public")
        await connection.execute("SET session_replication_role = replica")
        yield connection
    finally:
        await connection.close()


async def verified(base: Database | Sealed) -> seals.Checked:
    async with base.transaction(COUNTY) as session:
        return await seals.verify(session)


async def test_books_nobody_touched_are_whole(sealed: Sealed) -> None:
    checked = await verified(sealed)
    async with superuser(sealed) as books:
        rows = sum([await books.fetchval(f"SELECT count(*) FROM {book}") for book in seals.LEAVES])
    assert (checked.seals, checked.rows, checked.broken) == (3, rows, None)


async def test_sealing_again_when_nothing_happened_adds_no_link(sealed: Sealed) -> None:
    async with sealed.transaction(COUNTY) as session:
        assert await seals.seal(session) == 0
    assert (await verified(sealed)).seals == 3


CHANGED = {
    "trail": ("id", "actor = 'somebody else'"),
    "movement": ("id", "quantity = quantity + 1"),
    "hold": ("id", "quantity = quantity + 1"),
    "hold_answer": ("hold_id", "at = at - interval '1 microsecond'"),
}


@pytest.mark.parametrize("book", CHANGED)
async def test_a_changed_row_is_named(sealed: Sealed, book: str) -> None:
    key, change = CHANGED[book]
    async with superuser(sealed) as books:
        victim = await books.fetchval(f"SELECT {key} FROM {book} ORDER BY {key} DESC LIMIT 1")
        await books.execute(f"UPDATE {book} SET {change} WHERE {key} = $1", victim)
    broken = (await verified(sealed)).broken
    assert broken is not None
    assert (broken.book, broken.row) == (book, str(victim)) and "changed or slipped in" in broken.message


@pytest.mark.parametrize(
    "column", ["account_id", "role", "place_id", "verb", "subject", "paper", "note", "at"]
)
async def test_no_column_of_the_trail_can_be_changed_unseen(sealed: Sealed, column: str) -> None:
    other = {
        "note": "'{}'", "at": "at + interval '1 microsecond'", "role": "'admin'", "verb": "'orders.pick'",
        "paper": "'REQ-0'",
    }.get(column, "gen_random_uuid()")  # fmt: skip
    async with superuser(sealed) as books:
        await books.execute(
            f"UPDATE trail SET {column} = {other} WHERE id = (SELECT max(id::text)::uuid FROM trail)"
        )
    broken = (await verified(sealed)).broken
    assert broken is not None and broken.book == "trail"


@pytest.mark.parametrize(
    "column", ["lot_id", "unit_price", "source_id", "target_condition", "occurred_on", "kind", "paper_id"]
)
async def test_no_column_of_a_movement_can_be_changed_unseen(sealed: Sealed, column: str) -> None:
    other = {
        "unit_price": "unit_price + 0.0001", "target_condition": "'quarantine'", "kind": "'issue'",
        "occurred_on": "occurred_on - 1",
    }.get(column, "gen_random_uuid()")  # fmt: skip
    async with superuser(sealed) as books:
        await books.execute(
            f"UPDATE movement SET {column} = {other} WHERE id = (SELECT max(id::text)::uuid FROM movement)"
        )
    broken = (await verified(sealed)).broken
    assert broken is not None and broken.book == "movement"


@pytest.mark.parametrize("book", CHANGED)
async def test_a_removed_row_is_missed_in_its_seal(sealed: Sealed, book: str) -> None:
    key, _ = CHANGED[book]
    async with superuser(sealed) as books:
        await books.execute(f"DELETE FROM {book} WHERE {key} = (SELECT max({key}::text)::uuid FROM {book})")
    broken = (await verified(sealed)).broken
    assert broken is not None and broken.seal == 3 and "removed" in broken.message


async def test_the_first_bad_row_is_the_one_that_is_named(sealed: Sealed) -> None:
    async with superuser(sealed) as books:
        first, *_, last = [row["id"] for row in await books.fetch("SELECT id FROM movement ORDER BY id")]
        await books.execute("UPDATE movement SET quantity = 1 WHERE id = ANY($1)", [first, last])
    broken = (await verified(sealed)).broken
    assert broken is not None and (broken.seal, broken.row) == (1, str(first))


COPY_TRAIL = """INSERT INTO trail (id, at, account_id, actor, role, verb, note, xid, incarnation)
  SELECT gen_random_uuid(), at, account_id, 'forger', role, verb, note, {xid}, {incarnation}
  FROM trail ORDER BY id LIMIT 1 RETURNING id"""
FORGED = {
    "into a sealed transaction": ("xid", "incarnation"),
    "before the first seal": ("'1'::xid8", "incarnation"),
    "into a life before the first": ("xid", "0"),
    "into a life to come": ("xid", "incarnation + 1"),
    "into a transaction to come": ("(pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 9)::text::xid8",
                                   "incarnation"),
}  # fmt: skip


@pytest.mark.parametrize("where", FORGED)
async def test_a_row_slipped_in_is_named_wherever_it_hides(sealed: Sealed, where: str) -> None:
    xid, incarnation = FORGED[where]
    async with superuser(sealed) as books:
        forged = await books.fetchval(COPY_TRAIL.format(xid=xid, incarnation=incarnation))
    broken = (await verified(sealed)).broken
    assert broken is not None and (broken.book, broken.row) == ("trail", str(forged))


SEAL_CHANGES = {
    "form": "form + 1", "from_xid": "'7'::xid8", "until_xid": "(until_xid::text::bigint + 1)::text::xid8",
    "rows": "rows + 1", "root": "sha256(root)", "previous": "sha256(previous)", "hash": "sha256(hash)",
    "sealed_at": "sealed_at - interval '1 day'", "incarnation": "incarnation + 1",
    "leaves": "substring(leaves FROM 33) || substring(leaves FOR 32)",
}  # fmt: skip


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("column", SEAL_CHANGES)
async def test_no_column_of_a_seal_can_be_changed_unseen(sealed: Sealed, column: str, number: int) -> None:
    async with superuser(sealed) as books:
        await books.execute(f"UPDATE seal SET {column} = {SEAL_CHANGES[column]} WHERE number = $1", number)
    broken = (await verified(sealed)).broken
    assert broken is not None and broken.seal <= number + 1


@pytest.mark.parametrize("number", [1, 2])
async def test_a_removed_seal_breaks_the_chain(sealed: Sealed, number: int) -> None:
    async with superuser(sealed) as books:
        await books.execute("DELETE FROM seal WHERE number = $1", number)
    broken = (await verified(sealed)).broken
    assert broken is not None and (broken.seal, broken.book) == (number, "seal")


async def test_who_moves_the_start_of_a_seal_to_hide_a_row_before_it_is_found_out(sealed: Sealed) -> None:
    async with superuser(sealed) as books:
        await books.execute(COPY_TRAIL.format(xid="'3'::xid8", incarnation="incarnation"))
        await books.execute("UPDATE seal SET from_xid = '5'::xid8 WHERE number = 1")
    assert (await verified(sealed)).broken is not None


@pytest.mark.parametrize("book", [*CHANGED, "seal"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET incarnation = 1", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_the_books_refuse_every_change_while_their_guards_are_on(
    sealed: Sealed, book: str, verb: str
) -> None:
    with pytest.raises(asyncpg.RaiseError, match="only ever added"):
        await database.run(sealed.session, verb.format(book))


# Many writers, one sealer, and a restore


async def test_rows_written_while_sealing_end_in_exactly_one_seal(base: Database) -> None:
    stop = asyncio.Event()

    async def write(no: int) -> None:
        for i in range(25):
            async with base.transaction(COUNTY) as session:
                await trail.record(session, day.EVERYBODY, f"test.{no}", None, i=i)
                await asyncio.sleep(0.001 * (no % 3))

    async def seal_on() -> None:
        while not stop.is_set():
            async with base.transaction(COUNTY) as session:
                await seals.seal(session)

    sealers = [asyncio.create_task(seal_on()) for _ in range(2)]
    await asyncio.gather(*(write(no) for no in range(5)))
    stop.set()
    await asyncio.gather(*sealers)
    async with base.transaction(COUNTY) as session:
        await seals.seal(session)
    async with superuser(base) as books:
        written = sum([await books.fetchval(f"SELECT count(*) FROM {book}") for book in seals.LEAVES])
        assert await books.fetchval("SELECT count(*) FROM trail WHERE verb LIKE 'test.%'") == 125
    checked = await verified(base)
    assert (checked.rows, checked.broken) == (written, None)
    assert checked.seals > 2, "nothing was sealed while others wrote"


async def test_an_open_transaction_keeps_no_one_waiting_and_is_sealed_when_it_has_ended(
    base: Database,
) -> None:
    await seal_a_day(base)
    slow, _ = await base.begin(f"SET LOCAL search_path TO county_{COUNTY}, public")
    await trail.record(slow, day.EVERYBODY, "test.slow")
    async with base.transaction(COUNTY) as session:
        await trail.record(session, day.EVERYBODY, "test.quick")
    async with base.transaction(COUNTY) as session:
        assert await seals.seal(session) == 0, "a seal went past a transaction that had not ended"
    await slow.commit()
    await slow.close()
    async with base.transaction(COUNTY) as session:
        assert await seals.seal(session) == 2
    assert (await verified(base)).broken is None


async def test_after_a_restore_the_chain_goes_on_and_what_was_left_unsealed_is_sealed(
    base: Database,
) -> None:
    await seal_a_day(base)
    async with base.transaction(COUNTY) as session:
        await trail.record(session, day.EVERYBODY, "test.last_of_the_old_life")
    async with superuser(base) as books:
        await books.execute("UPDATE public.incarnation SET system = 'another server'")
    assert await install.note_restore(base.url)
    assert not await install.note_restore(base.url), "one restore was counted twice"
    assert (await verified(base)).broken is None
    async with base.transaction(COUNTY) as session:
        await trail.record(session, day.EVERYBODY, "test.first_of_the_new_life")
    async with base.transaction(COUNTY) as session:
        assert await seals.seal(session) == 2
    checked = await verified(base)
    assert (checked.seals, checked.broken) == (5, None)
    async with superuser(base) as books:
        assert await books.fetchval("SELECT count(*) FROM trail") <= checked.rows
        forged = await books.fetchval(COPY_TRAIL.format(xid="'9999999'::xid8", incarnation="1"))
    broken = (await verified(base)).broken
    assert broken is not None and broken.row == str(forged)


async def test_a_county_restored_before_anything_was_sealed_is_sealed_from_its_first_life_on(
    base: Database,
) -> None:
    async with superuser(base) as books:
        written = sum([await books.fetchval(f"SELECT count(*) FROM {book}") for book in seals.LEAVES])
        await books.execute("UPDATE public.incarnation SET number = 3")
    async with base.transaction(COUNTY) as session:
        assert await seals.seal(session) == written
    assert (await verified(base)).broken is None


async def test_one_verifies_in_the_transaction_in_which_one_wrote(sealed: Sealed) -> None:
    async with sealed.transaction(COUNTY) as session:
        await trail.record(session, day.EVERYBODY, "test.before_looking")
        assert (await seals.verify(session)).broken is None


async def test_hundreds_of_seals_are_followed_as_one_chain(
    sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "SEALS_AT_ONCE", 2)
    checked = await verified(sealed)
    assert (checked.seals, checked.broken) == (3, None)
    async with superuser(sealed) as books:
        await books.execute(
            "UPDATE movement SET quantity = 1 WHERE id = (SELECT max(id::text)::uuid FROM movement)"
        )
    broken = (await verified(sealed)).broken
    assert broken is not None and broken.seal == 3


# Who asks


async def test_the_inspection_finds_a_broken_trail_and_an_unequal_balance(sealed: Sealed) -> None:
    async with superuser(sealed) as books:
        await books.execute("UPDATE balance SET on_hand = on_hand + 1 WHERE place_id = $1", id_of("clinic1"))
        await books.execute("UPDATE trail SET actor = 'x' WHERE id = (SELECT max(id::text)::uuid FROM trail)")
    async with sealed.transaction(COUNTY) as session:
        found = await inspection_queries.verify(session)
        findings = await inspection.check(session, day.WORLD.actor("inspector"))
    assert not found.is_whole and found.broken is not None
    assert {row["place_id"] for row in found.unequal} == {id_of("clinic1")}
    assert {"ledger_equals_balance", "trail_is_whole"} <= {finding.check for finding in findings}


@pytest.fixture
def command(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """`xinglin` looks at this test's own database."""
    monkeypatch.setenv("XINGLIN_DATABASE_URL", url)
    chosen_settings.cache_clear()
    yield url
    chosen_settings.cache_clear()


def on_books(url: str, *statements: str) -> None:
    async def run() -> None:
        base = Database(url, pool_size=1)
        async with base.transaction(COUNTY) as session:
            await seals.seal(session)
        async with superuser(base) as books:
            for statement in statements:
                await books.execute(statement)
        await base.close()

    asyncio.run(run())


def test_verify_ends_with_0_when_the_books_are_whole(command: str) -> None:
    on_books(command)
    ended = CliRunner().invoke(cli.main, ["verify", "--json"])
    found = json.loads(ended.output)
    assert ended.exit_code == 0 and found["is_whole"] and found["seals"] == 1 and found["sealed_rows"] > 50


def test_verify_ends_with_2_and_names_the_row_that_was_changed(command: str) -> None:
    on_books(command, "UPDATE trail SET actor = 'x' WHERE id = (SELECT max(id::text)::uuid FROM trail)")
    ended = CliRunner().invoke(cli.main, ["verify"])
    assert ended.exit_code == 2
    assert "TRAIL BROKEN at seal 1, trail row" in ended.output and "ledger = balance" in ended.output


def test_verify_ends_with_2_and_names_the_balance_that_is_not_its_ledger(command: str) -> None:
    on_books(command, "UPDATE balance SET on_hand = on_hand + 7 WHERE on_hand > 0 AND held = 0")
    ended = CliRunner().invoke(cli.main, ["verify", "--county", COUNTY])
    assert ended.exit_code == 2
    assert "LEDGER ≠ BALANCE at 沙湾市中心药房" in ended.output and "trail whole" in ended.output


def test_verify_ends_with_1_for_a_county_that_is_not_there(command: str) -> None:
    ended = CliRunner().invoke(cli.main, ["verify", "--county", "110000"])
    assert ended.exit_code == 1 and "110000" in ended.output and COUNTY in ended.output
