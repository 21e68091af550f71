"""The proof of delivery, for everybody who has part in it: depot, driver, receiver (签收单)."""

import base64
from typing import Any
from uuid import UUID

from litestar import get
from litestar.params import FromPath
from litestar.response import Redirect, Template

from xinglin.delivery import queries as delivery_queries
from xinglin.gate import Here
from xinglin.web.page import go, ladder_of, page


def handlers() -> list[Any]:
    """One page."""
    return [proof]


@get("/proofs/{stop_id:uuid}", include_in_schema=False)
async def proof(visit: Here, stop_id: FromPath[UUID]) -> Template | Redirect:
    """Who took what at a stop, lot by lot, with the signature; made to be printed."""
    visit.actor.must("delivery.read")
    stop = await delivery_queries.stop(visit.session, visit.actor, stop_id)
    found = await delivery_queries.proof(visit.session, stop_id)
    if found is None:
        return go(f"/driver/stops/{stop_id}" if visit.actor.role == "driver" else "/")
    signature = found["signature"]
    return page(
        visit, "driver/proof.html", stop=stop, proof=found, ladder_of=ladder_of,
        lines=await delivery_queries.proof_lines(visit.session, found["id"]),
        signature=base64.b64encode(signature).decode() if signature else "",
        following=await delivery_queries.next_stop(visit.session, stop["run_id"]),
        is_driver=visit.actor.may("delivery.hand_over"),
    )  # fmt: skip
