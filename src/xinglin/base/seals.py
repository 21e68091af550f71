"""Seals: every 200 ms all finished rows of the books are hashed into a Merkle tree and chained.

Writers never wait for one another: a row carries the id of its transaction, and a seal covers all
rows of transactions that ended before it (below `pg_snapshot_xmin`). Changing, removing or slipping
in a row later makes its seal's root differ; changing a seal breaks the chain behind it.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database
from xinglin.base.columns import Xid8, incarnation_column, instant_column
from xinglin.base.errors import N_

FORM = 1
"""Which leaves a seal was made from: a new column in a book means a new form, old seals keep theirs."""

LAST_XID = 2**63 - 1
"""Above every transaction of a life that is over."""

UTC_TEXT = "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
LEAVES = {
    "trail": f"id, {UTC_TEXT.format('at')}, account_id, actor, role, place_id, verb, subject, paper, note::text",
    "movement": f"id, {UTC_TEXT.format('at')}, occurred_on, kind, product_id, lot_id, quantity::text, source_id, "
    "source_condition, target_id, target_condition, unit_price::text, paper_id, reverses_id",
    "hold": f"id, {UTC_TEXT.format('at')}, place_id, product_id, lot_id, quantity::text, paper_id, line_id",
    "hold_answer": f"hold_id, {UTC_TEXT.format('at')}, quantity::text, settled::text, released::text",
}
KEYS = {"trail": "id", "movement": "id", "hold": "id", "hold_answer": "hold_id"}


class Seal(SQLModel, table=True):
    """One link of the chain: which transactions it covers, the root over their rows, the link before."""

    __tablename__ = "seal"
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    form: int
    incarnation: int = Field(sa_column=incarnation_column())
    from_xid: int = Field(sa_column=Column(Xid8, nullable=False))
    until_xid: int = Field(sa_column=Column(Xid8, nullable=False))
    rows: int
    root: bytes
    leaves: bytes
    """The hash of each row, 32 bytes each, in order: tells which row was changed."""
    previous: bytes
    hash: bytes
    sealed_at: datetime = Field(sa_column=instant_column())


class Leaf(NamedTuple):
    """One row of one book, hashed."""

    book: str
    id: str
    xid: int
    hash: bytes


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes; an odd one goes up as it is (RFC 6962's domain separation: 0x01)."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        paired = [
            hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def merkle_proof(leaves: Sequence[bytes], index: int) -> list[tuple[str, bytes]]:
    """What must be hashed beside one leaf, from the bottom up, to reach the root: its place proved alone."""
    proof: list[tuple[str, bytes]] = []
    level = list(leaves)
    while len(level) > 1:
        if index % 2:
            proof.append(("left", level[index - 1]))
        elif index + 1 < len(level):
            proof.append(("right", level[index + 1]))
        paired = [
            hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        level = paired + level[len(level) - len(level) % 2 :]
        index //= 2
    return proof


def is_proved(leaf: bytes, proof: Sequence[tuple[str, bytes]], root: bytes) -> bool:
    """Whether the leaf and its proof lead to the root."""
    for side, other in proof:
        pair = other + leaf if side == "left" else leaf + other
        leaf = hashlib.sha256(b"\x01" + pair).digest()
    return leaf == root


def chain_hash(seal: Mapping[str, Any]) -> bytes:
    """The hash of a seal: over the one before it and everything else the seal says."""
    told = "|".join(
        str(part)
        for part in (
            seal["form"], seal["number"], seal["incarnation"], seal["from_xid"], seal["until_xid"], seal["rows"],
            seal["sealed_at"].astimezone(UTC).isoformat(timespec="microseconds"),
        )
    )  # fmt: skip
    return hashlib.sha256(b"\x02" + seal["previous"] + told.encode() + b"|" + seal["root"]).digest()


async def leaves_between(
    session: AsyncSession, incarnation: int, from_xid: int, until_xid: int
) -> list[Leaf]:
    """The hashed rows of all books written by those transactions, book by book, in one fixed order."""
    found: list[Leaf] = []
    for book, columns in LEAVES.items():
        found += [
            Leaf(book, str(row["id"]), int(row["xid"]), row["hash"])
            for row in await database.rows(
                session,
                f"""SELECT {KEYS[book]} AS id, xid::text AS xid,
                       sha256('\\x00'::bytea || convert_to(jsonb_build_array('{book}', {columns})::text, 'UTF8'))
                         AS hash
                    FROM {book} WHERE incarnation = $1 AND xid >= $2::text::xid8 AND xid < $3::text::xid8
                    ORDER BY xid, {KEYS[book]}""",
                incarnation,
                str(from_xid),
                str(until_xid),
            )
        ]
    return found


async def seal(session: AsyncSession) -> int:
    """Seal what has been written since the last seal; how many rows that were.

    One sealer at a time: a second one waits and then finds less to do. After a restore the rows that
    the earlier life left unsealed come first: all its transactions have ended.
    """
    await database.run(session, "LOCK TABLE seal IN SHARE ROW EXCLUSIVE MODE")
    now = await database.row(
        session,
        "SELECT incarnation() AS life, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS until_xid",
    )
    last = await database.row(
        session,
        "SELECT number, incarnation, until_xid::text::bigint AS until_xid, hash FROM seal ORDER BY number DESC LIMIT 1",
    )
    assert now is not None
    first_life, from_xid = (last["incarnation"], last["until_xid"]) if last else (1, 0)
    number, previous, sealed = (last["number"], last["hash"], 0) if last else (0, b"\x00" * 32, 0)
    for life in range(first_life, now["life"] + 1):
        until_xid = now["until_xid"] if life == now["life"] else LAST_XID
        leaves = await leaves_between(session, life, from_xid if life == first_life else 0, until_xid)
        if leaves:
            link = _link(number + 1, previous, life, from_xid if life == first_life else 0, until_xid, leaves)
            await _add(session, link)
            number, previous, sealed = link["number"], link["hash"], sealed + len(leaves)
    return sealed


def _link(
    number: int, previous: bytes, life: int, from_xid: int, until_xid: int, leaves: Sequence[Leaf]
) -> dict[str, Any]:
    """The next link of the chain over these rows."""
    hashes = [leaf.hash for leaf in leaves]
    link: dict[str, Any] = {
        "number": number, "form": FORM, "incarnation": life, "from_xid": from_xid, "until_xid": until_xid,
        "rows": len(leaves), "root": merkle_root(hashes), "leaves": b"".join(hashes), "previous": previous,
        "sealed_at": clock.now(),
    }  # fmt: skip
    return link | {"hash": chain_hash(link)}


async def _add(session: AsyncSession, link: Mapping[str, Any]) -> None:
    """Write a link down."""
    values = [str(value) if name.endswith("_xid") else value for name, value in link.items()]
    places = [f"${i}::text::xid8" if name.endswith("_xid") else f"${i}" for i, name in enumerate(link, 1)]
    await database.run(session, f"INSERT INTO seal ({', '.join(link)}) VALUES ({', '.join(places)})", *values)


class Broken(NamedTuple):
    """Where the books are not what was sealed: which seal, which book, which row, and what is wrong."""

    seal: int
    book: str
    row: str
    message: str


class Checked(NamedTuple):
    """How much was verified, and the first thing found wrong (None: nothing)."""

    seals: int
    rows: int
    broken: Broken | None


SEALS_AT_ONCE = 500


async def verify(session: AsyncSession) -> Checked:
    """Hash every sealed row anew, follow the chain from the first seal on, look for rows beside the chain."""
    last: database.Row | None = None
    rows, until_of = 0, dict[int, int]()
    while True:
        seals = await database.rows(
            session,
            """SELECT number, form, incarnation, from_xid::text::bigint AS from_xid,
                 until_xid::text::bigint AS until_xid, rows, root, leaves, previous, hash, sealed_at
               FROM seal WHERE number > $1 ORDER BY number LIMIT $2""",
            last["number"] if last else 0,
            SEALS_AT_ONCE,
        )
        if not seals:
            count = last["number"] if last else 0
            return Checked(count, rows, await _beside(session, count, until_of))
        for seal, leaves in zip(seals, await _leaves_of(session, seals), strict=True):
            if broken := _wrong_with(seal, leaves, last):
                return Checked(last["number"] if last else 0, rows, broken)
            last, rows = seal, rows + seal["rows"]
            until_of[seal["incarnation"]] = seal["until_xid"]


async def _leaves_of(session: AsyncSession, seals: Sequence[database.Row]) -> list[list[Leaf]]:
    """The rows of consecutive seals, read book by book for all of them at once."""
    sorted_out: list[list[Leaf]] = [[] for _ in seals]
    for life in sorted({row["incarnation"] for row in seals}):
        ours = [i for i, row in enumerate(seals) if row["incarnation"] == life]
        bounds = [seals[i]["until_xid"] for i in ours]
        if bounds != sorted(bounds):
            continue  # a chain like that is refused as it is followed
        for leaf in await leaves_between(session, life, seals[ours[0]]["from_xid"], bounds[-1]):
            sorted_out[ours[bisect_right(bounds, leaf.xid)]].append(leaf)
    return sorted_out


def _wrong_with(seal: database.Row, leaves: Sequence[Leaf], last: database.Row | None) -> Broken | None:
    """What is wrong with one seal, naming the first bad row; None if nothing is."""
    number, previous = (last["number"] + 1, last["hash"]) if last else (1, b"\x00" * 32)
    begins = last["until_xid"] if last and last["incarnation"] == seal["incarnation"] else 0
    if (seal["number"], seal["previous"], seal["from_xid"]) != (number, previous, begins):
        return Broken(number, "seal", str(seal["number"]), N_("The chain of seals is broken here."))
    kept = [seal["leaves"][i : i + 32] for i in range(0, len(seal["leaves"]), 32)]
    if seal["hash"] != chain_hash(seal) or merkle_root(kept) != seal["root"] or len(kept) != seal["rows"]:
        return Broken(number, "seal", str(number), N_("The seal itself was changed."))
    known = set(kept)
    for leaf in leaves:
        if leaf.hash not in known:
            return Broken(number, leaf.book, leaf.id, N_("This row was changed or slipped in after sealing."))
    there = {leaf.hash for leaf in leaves}
    for place, hash in enumerate(kept, 1):
        if hash not in there:
            return Broken(number, "", str(place), N_("A sealed row was removed."))
    return None


async def _beside(session: AsyncSession, number: int, until_of: Mapping[int, int]) -> Broken | None:
    """A row that no seal covers and none will: of a life that is over, of one to come, of a transaction to come."""
    newest = max(until_of, default=0)
    for book in LEAVES:
        stray = await database.value(
            session,
            f"""SELECT b.{KEYS[book]}::text FROM {book} b
                  LEFT JOIN unnest($1::int[], $2::text[]) AS s (life, until_xid) ON s.life = b.incarnation
                WHERE b.incarnation NOT BETWEEN 1 AND incarnation()
                  OR (b.incarnation < $3 AND (s.life IS NULL OR b.xid >= s.until_xid::xid8))
                  OR (b.incarnation = incarnation() AND b.xid >= pg_snapshot_xmax(pg_current_snapshot())
                    AND b.xid IS DISTINCT FROM pg_current_xact_id_if_assigned())
                ORDER BY 1 LIMIT 1""",
            list(until_of), [str(until) for until in until_of.values()], newest,
        )  # fmt: skip
        if stray is not None:
            return Broken(number, book, stray, N_("This row was slipped in beside the seals."))
    return None
