"""Who acts: one person at one post, and what that post may do."""

from dataclasses import dataclass
from uuid import UUID

from xinglin.base.errors import N_, NotAllowed


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at work. `place_id` is None for posts that look after the whole county."""

    account_id: UUID
    name: str
    role: str
    county: str
    place_id: UUID | None
    verbs: frozenset[str]

    def must(self, verb: str) -> None:
        """Go on only if the post may do this; otherwise NotAllowed."""
        if verb not in self.verbs:
            raise NotAllowed(N_("The role {role} may not do this ({verb})."), role=self.role, verb=verb)

    def may(self, verb: str) -> bool:
        """Whether the post may do this."""
        return verb in self.verbs


WORKER_ID = UUID(int=1)


def worker_of(county: str, *verbs: str) -> Actor:
    """The service itself, at work on a job for a county."""
    return Actor(WORKER_ID, "xinglin", "worker", county, None, frozenset(verbs))
