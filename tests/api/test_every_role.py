"""Every verb × every role × own and another's paper, through the API: who may do what, and to what."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from argon2 import PasswordHasher
from litestar import Litestar
from sqlalchemy.ext.asyncio import async_sessionmaker
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.api.conftest import Machine, Undone
from tests.api.papers import Papers, lay_out, second_county, somebody
from tests.conftest import drop_database, make_database
from tests.world import COUNTY, World, id_of, token_of
from xinglin.app import create_app
from xinglin.base import clock, database
from xinglin.base.database import Database
from xinglin.base.settings import Settings
from xinglin.people.actions import token_hash
from xinglin.people.rules import ROLES_OF, Role

WHO = {
    Role.VILLAGE_DOCTOR: "doctor1",
    Role.TOWNSHIP_PHARMACIST: "pharmacist1",
    Role.CHIEF_PHARMACIST: "chief",
    Role.DEPOT_KEEPER: "keeper",
    Role.DISPATCHER: "dispatcher",
    Role.DRIVER: "driver1",
    Role.INSPECTOR: "inspector",
    Role.ADMIN: "admin",
}
V, T, K, R = Role.VILLAGE_DOCTOR, Role.TOWNSHIP_PHARMACIST, Role.DEPOT_KEEPER, Role.DRIVER
BOUND = (V, T, K, R)

Sides = dict[Role, tuple[str, str]]
"""For each role that is bound to a place: whose papers it may touch, and whose not.

a: clinic1, supplied by township1. b: clinic3, supplied by township2. u: township1, supplied by the county's
central pharmacy. w: township2, supplied by it too. x: another county. Letters stand side by side.
"""
AS_PLACE: Sides = {V: ("a", "bx"), T: ("u", "awbx"), K: ("", "auwbx"), R: ("", "aubx")}
"""Who asks acts for the own place only, not for those it supplies."""
AS_DEPOT: Sides = {V: ("", "abx"), T: ("a", "bux"), K: ("u", "abx"), R: ("a", "bux")}
"""Who supplies acts for the own depot only, not on its own orders to the depot above."""
AS_READER: Sides = {V: ("a", "bx"), T: ("au", "bx"), K: ("uw", "bx"), R: ("a", "bx")}
"""Both ends may look, and the end that supplies puts the books of the other right."""
EVERYWHERE: Sides = dict.fromkeys(BOUND, ("a", "x"))
NOWHERE: Sides = dict.fromkeys(BOUND, ("a", ""))
"""There is no paper to be another's."""


class Row(NamedTuple):
    """How a verb is done at an address, and how far each bound role reaches with it."""

    verb: str
    reach: Sides
    request: Callable[[Papers, str], tuple[str, str, Any]]


def _ask(address: str) -> Callable[[Papers, str], tuple[str, str, Any]]:
    return lambda p, _: ("GET", address.format(p=p), None)


def _do(
    address: str, body: Callable[[Papers], Any] | None = None
) -> Callable[[Papers, str], tuple[str, str, Any]]:
    return lambda p, _: ("POST", address.format(p=p), body(p) if body else None)


def _put(address: str, body: Callable[[Papers], Any]) -> Callable[[Papers, str], tuple[str, str, Any]]:
    return lambda p, _: ("PUT", address.format(p=p), body(p))


def _basket(p: Papers) -> list[Any]:
    return [{"product_id": str(p.product), "quantity": 24}]


def _aside(p: Papers) -> Any:
    return {"lot_id": str(p.lot), "quantity": 1, "reason": "seen"}


def _receipt(p: Papers) -> Any:
    line = {"product_id": str(p.product), "lot_number": "N1", "expires_on": "2030-01-01", "quantity": 24,
            "unit_price": "0.25"}  # fmt: skip
    return {"supplier_id": str(p.supplier), "lines": [line]}


OLD = "the old password"
OLD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(OLD)
NEW_PRODUCT = {
    "code": "NEW", "kind": "chemical", "generic_name": "新药", "dosage_form": "片剂", "base_unit": "片", "pack_unit": "盒",
    "pack_size": 20, "pack_weight_g": 60, "pack_volume_cm3": 150, "unit_price": "0.1",
}  # fmt: skip

TABLE = (
    Row("people.read", NOWHERE, _ask("/accounts")),
    Row("people.open_account", NOWHERE, _do("/accounts", lambda p: {"username": "new", "name": "New"})),
    Row("people.close_account", EVERYWHERE, _do("/accounts/{p.account}/close")),
    Row("people.set_password", EVERYWHERE, _put("/accounts/{p.account}/password", lambda p: {"password": "long enough"})),
    Row("people.give_post", EVERYWHERE, _do("/accounts/{p.account}/posts", lambda p: {"role": "inspector"})),
    Row("people.give_post", EVERYWHERE,
        lambda p, _: ("POST", f"/accounts/{id_of('account:doctor3')}/posts",
                      {"role": "village_doctor", "place_id": str(p.place)})),
    Row("people.end_post", EVERYWHERE, _do("/posts/{p.post}/end")),
    Row("people.issue_token", NOWHERE,
        lambda p, who: ("POST", "/me/tokens", {"post_id": str(id_of(f"post:{who}")), "label": "till"})),
    Row("people.revoke_token", NOWHERE,
        lambda p, who: ("POST", f"/me/tokens/{token_hash(token_of(who)).hex()}/revoke", None)),
    Row("people.change_password", NOWHERE, _put("/me/password", lambda p: {"old": OLD, "new": "a new password"})),
    Row("places.read", AS_READER, _ask("/places/{p.place}")),
    Row("places.add", NOWHERE, _do("/places", lambda p: {"code": "NEW", "kind": "village_clinic", "name": "新村"})),
    Row("places.amend", EVERYWHERE,
        lambda p, _: ("PATCH", f"/places/{p.place}", {"phone": "123", "reason": "new telephone"})),
    Row("formulary.read", EVERYWHERE, _ask("/products/{p.product}")),
    Row("formulary.adopt_edition", NOWHERE, _do("/editions", lambda p: {"edition": "2026"})),
    Row("formulary.add_products", NOWHERE, _do("/products", lambda p: {"products": [NEW_PRODUCT]})),
    Row("formulary.set_listing", EVERYWHERE,
        _put("/products/{p.product}/listings/village", lambda p: {"may": "on_request"})),
    Row("formulary.set_price", EVERYWHERE,
        _do("/products/{p.product}/prices", lambda p: {"unit_price": "0.3", "valid_from": str(clock.today())})),
    Row("formulary.set_policy", NOWHERE,
        _put("/policies/minimum_life_days",
             lambda p: {"value": {"county": 60, "township": 90, "village": 150}, "source": "minutes of the committee",
                        "valid_from": str(clock.today())})),
    Row("stock.read", AS_READER, _ask("/places/{p.place}/stock")),
    Row("stock.read", AS_READER, _ask("/places/{p.place}/stock/{p.product}")),
    Row("stock.read", AS_READER, _ask("/places/{p.place}/stock/{p.product}/card")),
    Row("stock.receive", AS_DEPOT, _do("/places/{p.depot}/receipts", _receipt)),
    Row("stock.receive", AS_PLACE | {K: ("", "aubx")}, _do("/places/{p.place}/receipts", _receipt)),
    Row("stock.issue", AS_PLACE, _do("/places/{p.place}/issues", lambda p: {"lines": _basket(p)})),
    Row("stock.adjust", AS_READER,
        _do("/places/{p.place}/adjustments", lambda p: {"lot_id": str(p.lot), "difference": -1, "reason": "counted"})),
    Row("stock.quarantine", AS_READER, _do("/places/{p.place}/quarantine", _aside)),
    Row("stock.reverse", AS_READER, _do("/movements/{p.movement}/reverse", lambda p: {"reason": "a slip"})),
    Row("shortages.read", AS_READER, _ask("/shortages/{p.shortage}")),
    Row("shortages.register", AS_READER,
        _do("/shortages", lambda p: {"place_id": str(p.place), "product_id": str(p.product), "quantity": 24})),
    Row("shortages.answer", AS_DEPOT, _do("/shortages/{p.shortage}/answer", lambda p: {"answer": "substitute"})),
    Row("shortages.close", AS_READER, _do("/shortages/{p.shortage}/close", lambda p: {"outcome": "supplied"})),
    Row("orders.read", AS_READER, _ask("/requisitions/{p.submitted}")),
    Row("orders.read", AS_READER, _ask("/places/{p.place}/proposal")),
    Row("orders.open", AS_PLACE,
        _do("/requisitions", lambda p: {"place_id": str(p.place), "lines": _basket(p), "submit": False})),
    Row("orders.put_lines", AS_PLACE, _put("/requisitions/{p.draft}/lines", lambda p: {"lines": _basket(p)})),
    Row("orders.submit", AS_PLACE, _do("/requisitions/{p.draft}/submit")),
    Row("orders.submit", AS_PLACE,
        _do("/requisitions", lambda p: {"place_id": str(p.place), "lines": _basket(p)})),
    Row("orders.cancel", AS_PLACE, _do("/requisitions/{p.submitted}/cancel", lambda p: {})),
    Row("orders.approve", AS_DEPOT, _do("/requisitions/{p.submitted}/approve", lambda p: {})),
    Row("orders.send_back", AS_DEPOT, _do("/requisitions/{p.submitted}/send-back", lambda p: {"note": "too much"})),
    Row("orders.allocate", AS_DEPOT, _do("/requisitions/allocate", lambda p: {"supplier_id": str(p.depot)})),
    Row("orders.pick", AS_DEPOT, _do("/requisitions/{p.allocated}/pick", lambda p: {})),
    Row("delivery.read", AS_READER, _ask("/runs/{p.run_out}")),
    Row("delivery.read", AS_READER, _ask("/stops/{p.stop}/cargo")),
    Row("delivery.read", AS_READER, _ask("/stops/{p.stop_done}/proof")),
    Row("delivery.read", AS_READER, _ask("/places/{p.place}/arrivals")),
    Row("delivery.read", AS_DEPOT, _ask("/plans/{p.plan}")),
    Row("delivery.add_vehicle", EVERYWHERE,
        _do("/vehicles", lambda p: {"home_id": str(p.depot), "plate": "新G9", "capacity_g": 1, "capacity_cm3": 1})),
    Row("delivery.request_plan", AS_DEPOT, _do("/plans", lambda p: {"depot_id": str(p.depot)})),
    Row("delivery.request_plan", AS_DEPOT, _ask("/places/{p.depot}/ready")),
    Row("delivery.adopt_plan", AS_DEPOT, _do("/plans/{p.plan}/adopt")),
    Row("delivery.move_stop", AS_DEPOT,
        _do("/plans/{p.plan}/move-stop", lambda p: {"stop": p.stop_code, "vehicle": None})),
    Row("delivery.discard_plan", AS_DEPOT, _do("/plans/{p.plan}/discard")),
    Row("delivery.depart", AS_DEPOT, _do("/runs/{p.run_planned}/depart", lambda p: {})),
    Row("delivery.hand_over", AS_DEPOT, _do("/stops/{p.stop}/hand-over", lambda p: {"received_by": "王医生"})),
    Row("delivery.come_back", AS_DEPOT, _do("/runs/{p.run_done}/come-back")),
    Row("inspection.read", NOWHERE, _ask("/inspection/findings")),
    Row("inspection.read", NOWHERE, _ask("/inspection/checks")),
    Row("inspection.read", NOWHERE, _ask("/inspection/trail")),
    Row("inspection.read", NOWHERE, _ask("/inspection/seals")),
    Row("inspection.read", NOWHERE, _ask("/inspection/verification")),
    Row("inspection.check", NOWHERE, _do("/inspection/checks")),
)  # fmt: skip


class Tried(NamedTuple):
    """The service over a prepared county that no request changes, and the papers in it by letter."""

    service: Litestar
    papers: dict[str, Papers]


@pytest.fixture(scope="module")
def county() -> Iterator[str]:
    """One database for the whole table."""
    url = make_database()
    yield url
    drop_database(url)


@pytest.fixture(scope="module")
async def tried(county: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tried]:
    """Papers in every state in three places of one county and in another county."""
    base = Database(county, pool_size=4)
    async with base.transaction(COUNTY) as session:
        await database.run(session, "UPDATE public.account SET password_hash = $1", OLD_HASH)
        account, post = await somebody(session, COUNTY, "colleague", id_of("clinic1"))
        papers = {
            letter: await lay_out(
                session, place, depot, driver=driver, account=account, post=post, drives=letter != "w"
            )
            for letter, place, depot, driver in (
                ("a", "clinic1", "township1", "driver1"),
                ("b", "clinic3", "township2", None),
                ("u", "township1", "central", "driver"),
                ("w", "township2", "central", None),
            )
        }
    papers["x"] = await second_county(county, base)
    base._sessions = async_sessionmaker(base.engine, class_=Undone, expire_on_commit=False)
    settings = Settings(data_dir=Path(tmp_path_factory.mktemp("service")), log_level="error")
    yield Tried(create_app(base, settings), papers)
    await base.close()


def test_every_verb_stands_in_the_table() -> None:
    assert {row.verb for row in TABLE} == set(ROLES_OF)


def test_every_address_of_the_api_names_a_verb_of_the_table() -> None:
    from xinglin import api

    verbs = {
        handler.opt["verb"]
        for router in api.handlers()
        for route in router.routes
        for handler in route.route_handlers
        if "verb" in handler.opt
    }
    assert verbs - {""} == set(ROLES_OF)


def letters(row: Row, role: Role) -> tuple[str, str]:
    """Whose papers this role may touch with this verb, and whose not."""
    own, others = row.reach.get(role, ("a", "x" if row.reach is not NOWHERE else ""))
    return own, others


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.verb)
async def test_a_role_does_what_it_may_to_its_own_papers_only(row: Row, tried: Tried, world: World) -> None:
    for role, who in WHO.items():
        machine = Machine(tried.service, world.token(who))
        own, others = letters(row, role)
        if role not in ROLES_OF[row.verb]:
            for letter in "ax":
                await _is_refused(machine, row, tried.papers[letter], who, 403)
            continue
        for letter in filter(lambda letter: _is_there(row, tried.papers[letter]), own):
            answer = await _send(machine, row, tried.papers[letter], who)
            assert answer.status_code in (200, 201), (role, letter, answer.status_code, answer.text[:500])
        for letter in filter(lambda letter: _is_there(row, tried.papers[letter]), others):
            await _is_refused(machine, row, tried.papers[letter], who, 404)


def _is_there(row: Row, papers: Papers) -> bool:
    """Whether this place has a paper for the request (one has no runs)."""
    return "None" not in row.request(papers, "doctor1")[1]


async def _send(machine: Machine, row: Row, papers: Papers, who: str) -> Any:
    method, address, body = row.request(papers, who)
    return await machine.write(address, body, method=method)


async def _is_refused(machine: Machine, row: Row, papers: Papers, who: str, status: int) -> None:
    """Refused, logged with who asked, and told nothing: the answer is that of a thing that is not there."""
    with capture_logs(processors=[merge_contextvars]) as logged:
        answer = await _send(machine, row, papers, who)
    assert answer.status_code == status, (row.verb, who, papers, answer.status_code, answer.text[:500])
    refusals = [entry for entry in logged if entry["event"] == "refused"]
    assert [entry["status"] for entry in refusals] == [status]
    assert refusals[0]["actor"] == str(id_of(f"account:{who}"))
    told = answer.json()
    assert set(told) == {"type", "title", "status", "detail", "instance"}
    if status == 404:
        nothing = await _send(machine, row, _nothing(papers), who)
        assert nothing.json()["detail"] == told["detail"], (row.verb, who)


def _nothing(papers: Papers) -> Papers:
    """Ids of nothing at all."""
    return Papers(**{
        name: uuid4() if isinstance(value, UUID) else value for name, value in vars(papers).items()
    })  # fmt: skip


async def test_a_driver_sees_and_steers_the_own_runs_only(tried: Tried, world: World) -> None:
    other = Machine(tried.service, world.token("driver"))
    for letter in "ab":
        for address in (f"/runs/{tried.papers[letter].run_out}", f"/stops/{tried.papers[letter].stop}/cargo"):
            await other.ask(address, 404)
    assert {run["driver"] for run in (await other.ask("/runs"))["items"]} == {"driver"}
    mine = Machine(tried.service, world.token("driver1"))
    assert {run["driver"] for run in (await mine.ask("/runs"))["items"]} == {"driver1"}


async def test_a_clinic_sees_its_own_stop_of_a_run_only(tried: Tried, world: World) -> None:
    doctor = Machine(tried.service, world.token("doctor1"))
    run = await doctor.ask(f"/runs/{tried.papers['a'].run_out}")
    assert {stop["place_id"] for stop in run["route"]} == {str(id_of("clinic1"))}


@pytest.mark.parametrize(
    "address",
    ["/places", "/requisitions", "/shortages?state=all", "/runs", "/plans", "/vehicles", "/accounts"],
)
async def test_no_list_shows_another_county_or_facility(address: str, tried: Tried, world: World) -> None:
    strange = {str(id) for id in vars(tried.papers["x"]).values()}
    hidden = {str(id) for id in vars(tried.papers["b"]).values()} - {
        str(id) for id in vars(tried.papers["a"]).values()
    }
    for who in WHO.values():
        answer = await Machine(tried.service, world.token(who)).get(address)
        found = {item["id"] for item in answer.json().get("items", ())}
        assert not found & strange, who
        if who in ("doctor1", "pharmacist1", "driver1"):
            assert not found & hidden, who


async def test_nobody_else_may_use_a_token_that_is_none(tried: Tried) -> None:
    stranger = Machine(tried.service, "not-a-token")
    assert (await stranger.ask("/me", 401))["title"] == "not_signed_in"
