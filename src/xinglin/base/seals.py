"""Seals: every 200 ms all finished rows of the books are hashed into a Merkle tree and chained.

Writers never wait for one another: a row carries the id of its transaction, and a seal covers all
rows of transactions that ended before it (below `pg_snapshot_xmin`). Changing, removing or slipping
in a row later makes its seal's root differ; changing a seal breaks the chain behind it.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database
from xinglin.base.columns import Xid8, incarnation_column, instant_column
from xinglin.base.errors import N_

FORM = 1
"""Which leaves a seal was made from: a new column in a book means a new form, old seals keep theirs."""

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


def chain_hash(
    previous: bytes, number: int, incarnation: int, until_xid: int, count: int, root: bytes
) -> bytes:
    """The hash of a seal, over the one before it."""
    told = f"{FORM}|{number}|{incarnation}|{until_xid}|{count}|".encode()
    return hashlib.sha256(b"\x02" + previous + told + root).digest()


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

    One sealer at a time: a second one waits and then finds less to do.
    """
    await database.run(session, "LOCK TABLE seal IN SHARE ROW EXCLUSIVE MODE")
    now = await database.row(
        session,
        "SELECT incarnation() AS incarnation, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS until",
    )
    last = await database.row(
        session,
        "SELECT number, incarnation, until_xid::text::bigint AS until, hash FROM seal ORDER BY number DESC LIMIT 1",
    )
    assert now is not None
    is_same_life = last is not None and last["incarnation"] == now["incarnation"]
    from_xid = last["until"] if last is not None and is_same_life else 0
    leaves = await leaves_between(session, now["incarnation"], from_xid, now["until"])
    if not leaves:
        return 0
    number = last["number"] + 1 if last else 1
    previous = last["hash"] if last else b"\x00" * 32
    root = merkle_root([leaf.hash for leaf in leaves])
    await database.run(
        session,
        """INSERT INTO seal (number, form, incarnation, from_xid, until_xid, rows, root, previous, hash, sealed_at, leaves)
           VALUES ($1, $2, $3, $4::text::xid8, $5::text::xid8, $6, $7, $8, $9, $10, $11)""",
        number,
        FORM,
        now["incarnation"],
        str(from_xid),
        str(now["until"]),
        len(leaves),
        root,
        previous,
        chain_hash(previous, number, now["incarnation"], now["until"], len(leaves), root),
        clock.now(),
        b"".join(leaf.hash for leaf in leaves),
    )
    return len(leaves)


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
    """Hash every sealed row anew and follow the chain from the first seal on."""
    previous, number, rows = b"\x00" * 32, 0, 0
    while True:
        seals = await database.rows(
            session,
            """SELECT number, form, incarnation, from_xid::text::bigint AS from_xid,
                 until_xid::text::bigint AS until_xid, rows, root, leaves, previous, hash
               FROM seal WHERE number > $1 ORDER BY number LIMIT $2""",
            number,
            SEALS_AT_ONCE,
        )
        if not seals:
            return Checked(number, rows, None)
        found = await _leaves_of(session, seals)
        for row, leaves in zip(seals, found, strict=True):
            if broken := _wrong_with(row, leaves, previous, number + 1):
                return Checked(number, rows, broken)
            previous, number, rows = row["hash"], row["number"], rows + row["rows"]


async def _leaves_of(session: AsyncSession, seals: Sequence[database.Row]) -> list[list[Leaf]]:
    """The rows of consecutive seals, read book by book for all of them at once."""
    sorted_out: list[list[Leaf]] = [[] for _ in seals]
    for life in sorted({row["incarnation"] for row in seals}):
        ours = [i for i, row in enumerate(seals) if row["incarnation"] == life]
        bounds = [seals[i]["until_xid"] for i in ours]
        for leaf in await leaves_between(session, life, seals[ours[0]]["from_xid"], bounds[-1]):
            sorted_out[ours[bisect_right(bounds, leaf.xid)]].append(leaf)
    return sorted_out


def _wrong_with(row: database.Row, leaves: Sequence[Leaf], previous: bytes, number: int) -> Broken | None:
    """What is wrong with one seal, naming the first bad row; None if nothing is."""
    kept = [row["leaves"][i : i + 32] for i in range(0, len(row["leaves"]), 32)]
    told = chain_hash(
        row["previous"], row["number"], row["incarnation"], row["until_xid"], row["rows"], row["root"]
    )
    if row["number"] != number or row["previous"] != previous or row["hash"] != told:
        return Broken(number, "seal", str(row["number"]), N_("The chain of seals is broken here."))
    if merkle_root(kept) != row["root"] or len(kept) != row["rows"]:
        return Broken(number, "seal", str(number), N_("The seal itself was changed."))
    known = set(kept)
    for leaf in leaves:
        if leaf.hash not in known:
            return Broken(number, leaf.book, leaf.id, N_("This row was changed or slipped in after sealing."))
    if len(leaves) < len(kept):
        there = {leaf.hash for leaf in leaves}
        place = next(i for i, hash in enumerate(kept) if hash not in there)
        return Broken(number, "", str(place + 1), N_("A sealed row was removed."))
    return None
