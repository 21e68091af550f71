"""One row's place in its seal, proved without the rest."""

import hashlib
from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database, seals
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, NotFound


class Proved(NamedTuple):
    """What is written, its hash, and the hashes that lead from it to the root of its seal.

    `seal` is None while the row is not sealed yet; `position` is None if the seal does not know the row
    as it is written now: it was changed afterwards.
    """

    book: str
    id: UUID
    told: str
    leaf: bytes
    seal: Row | None
    position: int | None
    proof: list[tuple[str, bytes]]

    @property
    def is_proved(self) -> bool:
        """Whether the hashes lead to the root."""
        return (
            self.seal is not None
            and self.position is not None
            and seals.is_proved(self.leaf, self.proof, self.seal["root"])
        )

    def as_text(self) -> str:
        """The proof to be copied and checked elsewhere, line by line."""
        lines = [
            f"book   {self.book}",
            f"row    {self.id}",
            f"text   {self.told}",
            f"leaf   {self.leaf.hex()}",
        ]
        lines += [f"{side:<6} {other.hex()}" for side, other in self.proof]
        if self.seal is not None:
            lines += [f"root   {self.seal['root'].hex()}", f"seal   {self.seal['number']}"]
        return "\n".join(lines)


async def prove(session: AsyncSession, actor: Actor, book: str, row_id: UUID) -> Proved:
    """Where a row stands in its seal. Refuses books that are not sealed and rows that are not there."""
    actor.must("inspection.read")
    row = await _row(session, book, row_id) if book in seals.LEAVES else None
    if row is None:
        raise NotFound(N_("There is no such row in the sealed books."))
    told: str = row["told"]
    leaf = hashlib.sha256(b"\x00" + told.encode()).digest()
    seal = await _seal_over(session, row)
    if seal is None:
        return Proved(book, row_id, told, leaf, None, None, [])
    leaves = [seal["leaves"][i : i + 32] for i in range(0, len(seal["leaves"]), 32)]
    if leaf not in leaves:
        return Proved(book, row_id, told, leaf, seal, None, [])
    position = leaves.index(leaf)
    return Proved(book, row_id, told, leaf, seal, position, seals.merkle_proof(leaves, position))


async def _row(session: AsyncSession, book: str, row_id: UUID) -> Row | None:
    """A row as it is hashed, with the transaction that wrote it."""
    return await database.row(
        session,
        f"""SELECT jsonb_build_array('{book}', {seals.LEAVES[book]})::text AS told, xid::text AS xid, incarnation
            FROM {book} WHERE {seals.KEYS[book]} = $1""",
        row_id,
    )


async def _seal_over(session: AsyncSession, row: Row) -> Row | None:
    """The seal that covers the transaction of a row."""
    return await database.row(
        session,
        """SELECT number, rows, root, leaves, hash, sealed_at FROM seal
           WHERE incarnation = $1 AND from_xid <= $2::text::xid8 AND until_xid > $2::text::xid8""",
        row["incarnation"],
        row["xid"],
    )


async def seal_books(session: AsyncSession, actor: Actor, number: int) -> tuple[Row, list[Row]]:
    """One seal of the chain, and how many rows of each book it covers."""
    actor.must("inspection.read")
    seal = await database.row(
        session,
        "SELECT *, from_xid::text AS from_text, until_xid::text AS until_text FROM seal WHERE number = $1",
        number,
    )
    if seal is None:
        raise NotFound(N_("There is no seal with the number {number}."), number=number)
    books = " UNION ALL ".join(
        f"SELECT '{book}' AS book, count(*) AS rows FROM {book} WHERE incarnation = $1 "
        "AND xid >= $2::text::xid8 AND xid < $3::text::xid8"
        for book in seals.LEAVES
    )
    return seal, await database.rows(
        session, books, seal["incarnation"], seal["from_text"], seal["until_text"]
    )


async def sealed_rows(session: AsyncSession, actor: Actor, number: int, *, limit: int = 200) -> list[Row]:
    """The first entries of the trail that a seal covers: a way from a seal to what was done."""
    actor.must("inspection.read")
    return await database.rows(
        session,
        """SELECT t.id, t.at, t.actor, t.role, t.verb, t.paper FROM seal s JOIN trail t
             ON t.incarnation = s.incarnation AND t.xid >= s.from_xid AND t.xid < s.until_xid
           WHERE s.number = $1 ORDER BY t.id LIMIT $2""",
        number,
        limit,
    )
