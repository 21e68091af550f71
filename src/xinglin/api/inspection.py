"""Inspection by machine: checks, findings, the trail, the chain of seals."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller
from litestar.params import FromQuery, QueryParameter
from pydantic import BaseModel

from xinglin.api.entry import ask, make
from xinglin.api.forms import (
    Cursor,
    KeyHeader,
    Limit,
    Page,
    from_cursor,
    id_cursor,
    instant,
    page_of,
    to_cursor,
    whole,
)
from xinglin.base.language import translate
from xinglin.gate import Here, Visit
from xinglin.inspection import actions as inspection, queries as inspection_queries

IsOpen = Annotated[bool, QueryParameter(name="open")]
VerbQuery = Annotated[
    str, QueryParameter(name="verb", max_length=60, description="A verb (orders.submit) or a room (orders.).")
]


class FoundOut(BaseModel):
    """Something that should not be, in the reader's language, and the rows that prove it."""

    check: str
    severity: str
    message: str
    evidence: list[dict[str, Any]]


class RoundMadeOut(BaseModel):
    """What one round of checks found."""

    findings: list[FoundOut]


class FindingOut(FoundOut):
    """A finding as it was written down; `gone_at` says when it was not found again."""

    id: UUID
    found_at: datetime
    gone_at: datetime | None


class RoundOut(BaseModel):
    """A round of checks: when, by whom, how much it read and found."""

    id: UUID
    at: datetime
    by: str
    findings: int
    figures: dict[str, Any]


class TrailOut(BaseModel):
    """Who did what to which paper, when, and what came of it."""

    id: UUID
    at: datetime
    account_id: UUID
    actor: str
    role: str
    place: str | None
    verb: str
    subject: UUID | None
    paper: str | None
    note: dict[str, Any]


class SealOut(BaseModel):
    """A link of the chain."""

    number: int
    rows: int
    sealed_at: datetime
    root: str
    hash: str


class BrokenOut(BaseModel):
    """Where the books are not what was sealed."""

    seal: int
    book: str
    row: str
    message: str


class UnequalOut(BaseModel):
    """A balance that is not the sum of its movements. Base units."""

    place: str | None
    lot: str | None
    condition: str
    on_hand: int
    moved: int
    held: int
    promised: int


class VerifiedOut(BaseModel):
    """Whether trail and ledger are what they were."""

    is_whole: bool
    seals: int
    sealed_rows: int
    broken: BrokenOut | None
    unequal: list[UnequalOut]


class Inspection(Controller):
    """Reads every book, writes only findings."""

    path = "/inspection"
    tags = ("Inspection",)

    @make("inspection.check", "/checks")
    async def check(self, visit: Here, idempotency_key: KeyHeader) -> RoundMadeOut:
        """One round of all checks."""
        found = await inspection.check(visit.session, visit.actor)
        return RoundMadeOut(
            findings=[
                FoundOut(
                    check=one.check, severity=one.severity, evidence=_plain(one.evidence),
                    message=translate(visit.locale, one.message, **one.fields),
                )
                for one in found
            ]
        )  # fmt: skip

    @ask("inspection.read", "/checks")
    async def rounds(self, visit: Here, cursor: Cursor = None, limit: Limit = 20) -> Page[RoundOut]:
        """Rounds of checks, newest first."""
        found = await inspection_queries.rounds(
            visit.session, visit.actor, before=id_cursor(cursor), limit=limit
        )
        rows = [dict(row) | {"figures": msgspec.json.decode(row["figures"])} for row in found]
        return page_of(RoundOut, rows, limit, "id")

    @ask("inspection.read", "/findings")
    async def findings(
        self, visit: Here, is_open: IsOpen = True, cursor: Cursor = None, limit: Limit = 50
    ) -> Page[FindingOut]:
        """Findings, newest first; those that are still there, or those that are gone."""
        found = await inspection_queries.findings(
            visit.session, visit.actor, is_open=is_open, after=from_cursor(cursor, instant, UUID),
            limit=limit,
        )  # fmt: skip
        return Page(
            items=[finding_out(visit, row) for row in found],
            next=to_cursor(found[-1]["found_at"].isoformat(), found[-1]["id"])
            if len(found) == limit
            else None,
        )

    @ask("inspection.read", "/trail")
    async def trail(
        self, visit: Here, verb: VerbQuery = "", subject: FromQuery[UUID | None] = None, cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[TrailOut]:  # fmt: skip
        """The trail, newest first: all of it, of one verb, one room or one paper."""
        found = await inspection_queries.trail(
            visit.session, visit.actor, verb=verb, subject=subject, before=id_cursor(cursor), limit=limit
        )
        rows = [dict(row) | {"note": msgspec.json.decode(row["note"])} for row in found]
        return page_of(TrailOut, rows, limit, "id")

    @ask("inspection.read", "/seals")
    async def chain(self, visit: Here, cursor: Cursor = None, limit: Limit = 20) -> Page[SealOut]:
        """The chain of seals, newest first."""
        (before,) = from_cursor(cursor, whole) or (None,)
        found = await inspection_queries.chain(visit.session, visit.actor, before=before, limit=limit)
        return page_of(SealOut, found, limit, "number")

    @ask("inspection.read", "/verification")
    async def verify(self, visit: Here) -> VerifiedOut:
        """Recompute every seal and every balance now; nothing is written."""
        found = await inspection_queries.verify(visit.session)
        broken = found.broken and BrokenOut(
            **found.broken._asdict() | {"message": translate(visit.locale, found.broken.message)}
        )
        return VerifiedOut(
            is_whole=found.is_whole, seals=found.seals, sealed_rows=found.sealed_rows, broken=broken,
            unequal=[UnequalOut.model_validate(dict(row)) for row in found.unequal],
        )  # fmt: skip


def _plain(evidence: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(evidence, enc_hook=str))


def finding_out(visit: Visit, row: Any) -> FindingOut:
    """A finding with its sentence in the reader's language."""
    fields = msgspec.json.decode(row["fields"])
    return FindingOut(
        id=row["id"], check=row["check_name"], severity=row["severity"], found_at=row["found_at"],
        gone_at=row["gone_at"], evidence=msgspec.json.decode(row["evidence"]),
        message=translate(visit.locale, row["message"], **fields),
    )  # fmt: skip
