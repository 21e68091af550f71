"""What cannot go on is refused: a code, an HTTP status, one sentence a clerk can act on."""

from typing import Any, ClassVar


def N_(message: str) -> str:
    """Mark a sentence for translation where it stands."""
    return message


class Refusal(Exception):
    """A request that cannot go on, said so that the person can put it right.

    `message` is an English template with named fields; the doors translate and fill it.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields

    def __str__(self) -> str:
        return self.message.format(**self.fields) if self.fields else self.message


class BadInput(Refusal):
    """Something sent does not mean anything here: says what, where, and what would be right."""

    code = "bad_input"
    status = 422


class NotFound(Refusal):
    """There is no such thing, or it is none of yours: both are answered alike."""

    code = "not_found"
    status = 404


class NotSignedIn(Refusal):
    """Nobody is signed in, or the sign-in has run out."""

    code = "not_signed_in"
    status = 401


class NotAllowed(Refusal):
    """The role may not do this."""

    code = "not_allowed"
    status = 403


class WrongState(Refusal):
    """The paper is not in a state in which this can be done."""

    code = "wrong_state"
    status = 409


class ChangedMeanwhile(Refusal):
    """Somebody changed the paper after it was read."""

    code = "changed_meanwhile"
    status = 412


class NotEnough(Refusal):
    """There are fewer goods than asked for."""

    code = "not_enough"
    status = 409


class KeyReused(Refusal):
    """The same idempotency key came with another request."""

    code = "key_reused"
    status = 422
