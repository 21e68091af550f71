"""Everything the OpenAPI allows and much that it forbids, at every address: never a 5xx, always as described."""

import asyncio
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from litestar import Litestar
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy.ext.asyncio import async_sessionmaker

from tests.api.conftest import Undone
from tests.api.papers import Papers, lay_out, somebody
from tests.api.test_every_role import WHO
from tests.conftest import drop_database, make_database
from tests.world import COUNTY, World, id_of
from xinglin.app import create_app
from xinglin.base import clock
from xinglin.base.database import Database
from xinglin.base.settings import Settings
from xinglin.people.rules import ROLES_OF, Role

CASES = int(os.environ.get("XINGLIN_CASES", "12"))
"""At each address; more of them, each time others, when somebody asks for them."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OFTEN = 0.85
"""How often an id made up by the generator is replaced by one that is there."""
EAGER = (
    Role.TOWNSHIP_PHARMACIST,
    Role.VILLAGE_DOCTOR,
    Role.DRIVER,
    Role.CHIEF_PHARMACIST,
    Role.ADMIN,
    Role.INSPECTOR,
)
"""Who is asked for a verb: of all that may, the first of these."""


class Live:
    """The service on a free port; whatever is written is rolled back, so every case meets all papers."""

    def __init__(self, url: str, folder: Path) -> None:
        self.base = Database(url, pool_size=4)
        self.app: Litestar = create_app(self.base, Settings(data_dir=folder, log_level="critical"))
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.server = uvicorn.Server(
            uvicorn.Config(self.app, log_level="critical", timeout_graceful_shutdown=1)
        )
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.papers: Papers | None = None
        self.url = url

    def _serve(self) -> None:
        async def run() -> None:
            async with self.base.transaction(COUNTY) as session:
                account, post = await somebody(session, COUNTY, "colleague", id_of("clinic1"))
                self.papers = await lay_out(
                    session, "clinic1", "township1", driver="driver1", account=account, post=post
                )
            self.base._sessions = async_sessionmaker(self.base.engine, class_=Undone, expire_on_commit=False)
            await self.server.serve(sockets=[self.listening])

        asyncio.run(run())

    def __enter__(self) -> "Live":
        self.thread.start()
        until = time.monotonic() + 60
        while not self.server.started:
            assert self.thread.is_alive(), "the service ended while starting"
            assert time.monotonic() < until
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The service over the small county with a paper in every state."""
    url = make_database()
    with Live(url, tmp_path_factory.mktemp("service")) as live:
        yield live
    drop_database(url)


def verbs(app: Litestar) -> dict[tuple[str, str], str]:
    """The verb of each address."""
    return {
        (method, route.path_format): handler.opt["verb"]
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in route.methods
        if "verb" in handler.opt and method in handler.http_methods
    }


class Known:
    """Ids that are there, by the names under which an address asks for them."""

    def __init__(self, papers: Papers) -> None:
        p = papers
        self.ids: dict[str, list[Any]] = {
            "place_id": [p.place, p.depot, id_of("central")], "supplier_id": [p.supplier, p.depot],
            "supplied_by_id": [p.depot, id_of("central")], "depot_id": [p.depot], "home_id": [p.depot],
            "product_id": [p.product, id_of("insulin"), id_of("morphine")], "lot_id": [p.lot],
            "movement_id": [p.movement], "shortage_id": [p.shortage], "account_id": [p.account],
            "driver_id": [p.account], "post_id": [p.post, *(id_of(f"post:{who}") for who in WHO.values())],
            "requisition_id": [p.draft, p.submitted, p.approved, p.allocated],
            "requisitions": [p.approved, p.allocated], "plan_id": [p.plan], "stop_id": [p.stop, p.stop_done],
            "run_id": [p.run_planned, p.run_out, p.run_done], "subject": [p.draft], "stop": [p.stop_code],
        }  # fmt: skip
        days = [str(clock.today() + timedelta(days=days)) for days in (0, 30, 400)]
        self.likely: dict[str, list[Any]] = {
            "quantity": [1, 24, 48], "difference": [-1, 1], "edition": ["2026"], "accepted": [24], "password": ["a" * 12],
            "promised_on": days, "expires_on": days, "valid_from": days, "planned_on": days, "on": days,
            "occurred_on": days[:1], "used_on": days[:1], "made_on": days[:1], "pack_size": [1, 20],
            "arrived_at": [clock.now().isoformat()], "departed_at": [clock.now().isoformat()], "opening": [[]],
        }  # fmt: skip
        self.rarely = {"cursor", "If-Match", "signature", "counted", "short", "changes", "cold_max_c"}

    def put(self, name: str, value: Any, chance: random.Random) -> Any:
        """The value with ids of the county in it, and with what makes sense there, most of the time."""
        if isinstance(value, dict):
            return {
                key: self.put(key, inner, chance)
                for key, inner in value.items()
                if key not in self.rarely or chance.random() > OFTEN
            }
        if name in self.likely and value is not None and chance.random() < OFTEN:
            return chance.choice(self.likely[name])
        if isinstance(value, list):
            return [self.put(name, inner, chance) for inner in value]
        is_id = isinstance(value, str) and (name == "stop" or _is_uuid(value))
        if is_id and name in self.ids and chance.random() < OFTEN:
            return str(chance.choice(self.ids[name]))
        return value


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def test_no_address_breaks_and_every_answer_is_as_described(live: Live) -> None:
    described = schemathesis.openapi.from_url(f"{live.address}/api/schema/openapi.json")
    assert live.papers is not None
    known, verb_of = Known(live.papers), verbs(live.app)
    broken: list[str] = []
    seen: Counter[int] = Counter()
    for found in described.get_all_operations():
        operation = found.ok()
        verb = verb_of[operation.method.upper(), operation.path]
        role = next((role for role in EAGER if not verb or role in ROLES_OF[verb]), Role.DISPATCHER)
        token = World().token(WHO[role])
        try:
            _try(operation, known, token, live.address, seen)
        except Exception as failure:  # told at the end, together with those of the other addresses
            broken.append(f"{operation.label}: {failure}"[:3000])
    print(sorted(seen.items()))
    assert not broken, f"{len(broken)} addresses\n\n" + "\n\n".join(broken)
    assert seen[200] + seen[201] > sum(seen.values()) / 5, f"most cases never got past the door: {seen}"


def _try(operation: Any, known: Known, token: str, address: str, seen: Counter[int]) -> None:
    """Many cases at one address: good ones, and ones with something wrong."""
    cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if operation.body or operation.query or operation.headers:
        wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        cases = st.one_of(cases, cases, wrong)

    @given(case=cases)
    @settings(
        max_examples=CASES, deadline=None, derandomize="XINGLIN_CASES" not in os.environ, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def each(case: Any) -> None:
        chance = random.Random(repr((case.path_parameters, case.query, case.body)))
        for part in ("path_parameters", "query", "body"):
            setattr(case, part, known.put("", getattr(case, part), chance))
        sent = known.put("", dict(case.headers or {}), chance)
        case.headers = sent | {"Authorization": f"Bearer {token}"}
        answer = case.call(base_url=address)
        seen[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    each()
