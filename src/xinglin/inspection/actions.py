"""Run the checks and write down what they found."""

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database, trail
from xinglin.base.actor import Actor
from xinglin.base.ids import new_id
from xinglin.inspection import rules
from xinglin.inspection.checks import CHECKS
from xinglin.inspection.rules import Finding
from xinglin.stock import queries as stock_queries


def _json(value: object) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


async def check(session: AsyncSession, actor: Actor) -> list[Finding]:
    """One round of all checks. What was found before and is not found again is marked as gone."""
    actor.must("inspection.check")
    findings = rules.together([finding for check in CHECKS for finding in await check(session)])
    await database.run(
        session,
        """INSERT INTO finding (id, check_name, severity, message, fields, evidence, fingerprint, found_at)
           SELECT id, check_name, severity, message, fields::jsonb, evidence::jsonb, fingerprint, $8
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
             AS f (id, check_name, severity, message, fields, evidence, fingerprint)
           ON CONFLICT (fingerprint) DO UPDATE SET gone_at = NULL, evidence = excluded.evidence""",
        [new_id() for _ in findings], [f.check for f in findings], [f.severity for f in findings],
        [f.message for f in findings], [_json(f.fields) for f in findings], [_json(f.evidence) for f in findings],
        [f.fingerprint for f in findings], clock.now(),
    )  # fmt: skip
    await database.run(
        session,
        "UPDATE finding SET gone_at = $2 WHERE gone_at IS NULL AND fingerprint <> ALL($1)",
        [finding.fingerprint for finding in findings],
        clock.now(),
    )
    round_id = new_id()
    await database.run(
        session,
        "INSERT INTO check_round (id, at, by, findings, figures) VALUES ($1, $2, $3, $4, $5::text::jsonb)",
        round_id, clock.now(), actor.name, len(findings), _json(await stock_queries.figures(session)),
    )  # fmt: skip
    await trail.record(session, actor, "inspection.check", round_id, findings=len(findings))
    return findings
