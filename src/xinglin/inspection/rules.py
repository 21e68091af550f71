"""What a finding is."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from xinglin.base.errors import N_

SEVERITIES = {"serious": N_("Serious"), "warning": N_("Warning"), "note": N_("Hint")}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be, and the rows that prove it. The message is a template with fields."""

    check: str
    severity: str
    message: str
    fields: dict[str, Any]
    evidence: list[dict[str, Any]] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """The same thing found again has the same one."""
        told = f"{self.check}|{self.message}|{sorted(self.fields.items())}"
        return hashlib.sha256(told.encode()).hexdigest()


def together(findings: Iterable[Finding]) -> list[Finding]:
    """What reads alike is one finding, with the rows of all."""
    by_fingerprint: dict[str, Finding] = {}
    for found in findings:
        known = by_fingerprint.get(found.fingerprint)
        by_fingerprint[found.fingerprint] = (
            replace(known, evidence=known.evidence + found.evidence) if known else found
        )
    return list(by_fingerprint.values())
