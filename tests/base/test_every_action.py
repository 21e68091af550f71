"""What holds for every action of every room: one entry in the trail, none for a refusal, no deed without the verb."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import COUNTY, id_of
from xinglin.base import clock, database
from xinglin.base.actor import Actor
from xinglin.base.errors import NotAllowed, Refusal
from xinglin.delivery import actions as delivery, queries as delivery_queries
from xinglin.formulary import actions as formulary
from xinglin.formulary.actions import NewProduct
from xinglin.inspection import actions as inspection
from xinglin.orders import actions as orders
from xinglin.orders.rules import Asked
from xinglin.people import actions as people
from xinglin.people.rules import ROLES_OF
from xinglin.places import actions as places
from xinglin.places.models import Place
from xinglin.shortages import actions as shortages
from xinglin.stock import actions as stock
from xinglin.stock.actions import Issued, Received

Act = Callable[[Actor], Awaitable[Any]]
Case = Callable[[AsyncSession], Awaitable[Act]]
CASES: dict[str, Case] = {}
ALL = replace(day.EVERYBODY, account_id=id_of("account:doctor1"))
CLINIC, TOWNSHIP, AMOXICILLIN = id_of("clinic1"), id_of("township1"), id_of("amoxicillin")
ASKED = [Asked(AMOXICILLIN, 48)]
PASSWORD = "a long enough password"


def case(verb: str) -> Callable[[Case], Case]:
    def keep(prepared: Case) -> Case:
        CASES[verb] = prepared
        return prepared

    return keep


@case("people.issue_token")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: people.issue_token(session, actor, id_of("post:doctor1"), label="till")


@case("people.revoke_token")
async def _case(session: AsyncSession) -> Act:
    token = await people.issue_token(session, ALL, id_of("post:doctor1"), label="till")
    return lambda actor: people.revoke_token(session, actor, people.token_hash(token).hex())


@case("people.change_password")
async def _case(session: AsyncSession) -> Act:
    await people.set_password(session, ALL, ALL.account_id, PASSWORD)
    return lambda actor: people.change_password(session, actor, PASSWORD, PASSWORD + "!")


@case("people.open_account")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: people.open_account(session, actor, "new.doctor", "新医生")


@case("people.set_password")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: people.set_password(session, actor, id_of("account:doctor2"), PASSWORD)


@case("people.give_post")
async def _case(session: AsyncSession) -> Act:
    account = id_of("account:doctor2")
    return lambda actor: people.give_post(session, actor, account, "village_doctor", CLINIC)


@case("people.end_post")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: people.end_post(session, actor, id_of("post:doctor2"))


@case("people.close_account")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: people.close_account(session, actor, id_of("account:doctor2"))


@case("places.add")
async def _case(session: AsyncSession) -> Act:
    made = Place(
        no=0, code="NEW-1", kind="village_clinic", name="新村卫生室", opening=[], supplied_by_id=TOWNSHIP
    )
    return lambda actor: places.add(session, actor, made)


@case("places.amend")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: places.amend(session, actor, CLINIC, {"contact": "王医生"})


@case("formulary.adopt_edition")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: formulary.adopt_edition(session, actor, "2026")


@case("formulary.add_products")
async def _case(session: AsyncSession) -> Act:
    made = NewProduct(
        code="P-new", kind="chemical", generic_name="氯雷他定", dosage_form="片剂", strength="10mg", base_unit="片",
        pack_unit="盒", pack_size=6, case_size=100, pack_weight_g=20, pack_volume_cm3=40,
        unit_price=Decimal("0.5000"),
    )  # fmt: skip
    return lambda actor: formulary.add_products(session, actor, [made])


@case("formulary.set_listing")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: formulary.set_listing(session, actor, AMOXICILLIN, "village", "on_request", rule="")


@case("formulary.set_price")
async def _case(session: AsyncSession) -> Act:
    price = Decimal("0.2600")
    return lambda actor: formulary.set_price(session, actor, AMOXICILLIN, price, valid_from=clock.today())


@case("formulary.set_policy")
async def _case(session: AsyncSession) -> Act:
    value = {"county": 90, "township": 90, "village": 90}
    return lambda actor: formulary.set_policy(
        session,
        actor,
        "minimum_life_days",
        value,
        source="minutes of the committee",
        valid_from=clock.today(),
    )


@case("stock.receive")
async def _case(session: AsyncSession) -> Act:
    line = Received(AMOXICILLIN, "NEW", clock.today() + timedelta(days=300), 24, Decimal("0.2500"))
    return lambda actor: stock.receive(session, actor, TOWNSHIP, [line], supplier_id=id_of("supplier"))


@case("stock.issue")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: stock.issue(session, actor, CLINIC, [Issued(AMOXICILLIN, 5)])


@case("stock.adjust")
async def _case(session: AsyncSession) -> Act:
    lot = await day.arrived(session, "township1", "amoxicillin", 24)
    return lambda actor: stock.adjust(session, actor, TOWNSHIP, lot, -1, reason="broken")


@case("stock.quarantine")
async def _case(session: AsyncSession) -> Act:
    lot = await day.arrived(session, "township1", "amoxicillin", 24)
    return lambda actor: stock.quarantine(session, actor, TOWNSHIP, lot, 4, reason="wet")


@case("stock.reverse")
async def _case(session: AsyncSession) -> Act:
    lot = await day.arrived(session, "township1", "amoxicillin", 24)
    movement = await stock.adjust(session, ALL, TOWNSHIP, lot, -1, reason="broken")
    return lambda actor: stock.reverse(session, actor, movement, reason="it was not broken")


@case("shortages.register")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: shortages.register(session, actor, CLINIC, AMOXICILLIN, 24)


@case("shortages.answer")
async def _case(session: AsyncSession) -> Act:
    entry = await shortages.register(session, ALL, CLINIC, AMOXICILLIN, 24)
    return lambda actor: shortages.answer(session, actor, entry, "unavailable")


@case("shortages.close")
async def _case(session: AsyncSession) -> Act:
    entry = await shortages.register(session, ALL, CLINIC, AMOXICILLIN, 24)
    return lambda actor: shortages.close(session, actor, entry, "withdrawn")


@case("orders.open")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: orders.place(session, actor, CLINIC, ASKED, submit=False)


@case("orders.put_lines")
async def _case(session: AsyncSession) -> Act:
    draft = await day.placed(session, submit=False)
    return lambda actor: orders.put_lines(session, actor, draft, ASKED)


@case("orders.submit")
async def _case(session: AsyncSession) -> Act:
    draft = await day.placed(session, submit=False)
    return lambda actor: orders.submit(session, actor, draft)


@case("orders.cancel")
async def _case(session: AsyncSession) -> Act:
    paper = await day.placed(session)
    return lambda actor: orders.cancel(session, actor, paper)


@case("orders.send_back")
async def _case(session: AsyncSession) -> Act:
    paper = await day.placed(session)
    return lambda actor: orders.send_back(session, actor, paper, note="too much")


@case("orders.approve")
async def _case(session: AsyncSession) -> Act:
    paper = await day.placed(session)
    return lambda actor: orders.approve(session, actor, paper)


@case("orders.allocate")
async def _case(session: AsyncSession) -> Act:
    await day.approved(session)
    return lambda actor: orders.allocate(session, actor, TOWNSHIP)


@case("orders.pick")
async def _case(session: AsyncSession) -> Act:
    paper = await day.allocated(session)
    return lambda actor: orders.pick(session, actor, paper)


@case("delivery.add_vehicle")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: delivery.add_vehicle(
        session, actor, TOWNSHIP, "新G99999", capacity_g=100_000, capacity_cm3=400_000
    )


@case("delivery.request_plan")
async def _case(session: AsyncSession) -> Act:
    await day.picked(session)
    return lambda actor: delivery.request_plan(session, actor, TOWNSHIP)


@case("delivery.keep_solution")
async def _case(session: AsyncSession) -> Act:
    await day.picked(session)
    plan = await delivery.request_plan(session, ALL, TOWNSHIP)
    verdict = {"served": 0, "left_out": 1, "distance_m": 0, "is_ok": True, "routes": []}
    return lambda actor: delivery.keep_solution(session, actor, plan, {}, verdict)


@case("delivery.move_stop")
async def _case(session: AsyncSession) -> Act:
    for place in ("clinic1", "clinic2"):
        await day.picked(session, by=place.replace("clinic", "doctor"), place=place)
    plan = await day.plan(session)
    van = (await delivery_queries.vehicles(session, ALL, TOWNSHIP))[0]["code"]
    return lambda actor: delivery.move_stop(session, actor, plan, "TEST-005", van)


@case("delivery.adopt_plan")
async def _case(session: AsyncSession) -> Act:
    await day.picked(session)
    plan = await day.plan(session)
    return lambda actor: delivery.adopt_plan(session, actor, plan)


@case("delivery.discard_plan")
async def _case(session: AsyncSession) -> Act:
    await day.picked(session)
    plan = await day.plan(session)
    return lambda actor: delivery.discard_plan(session, actor, plan)


@case("delivery.depart")
async def _case(session: AsyncSession) -> Act:
    await day.picked(session)
    run = await day.planned(session)
    return lambda actor: delivery.depart(session, actor, run)


@case("delivery.hand_over")
async def _case(session: AsyncSession) -> Act:
    await day.picked(session)
    (stop,) = await day.stops_of(session, await day.under_way(session))
    return lambda actor: delivery.hand_over(session, actor, stop, received_by="王医生")


@case("delivery.come_back")
async def _case(session: AsyncSession) -> Act:
    await day.picked(session)
    run = await day.under_way(session)
    (stop,) = await day.stops_of(session, run)
    await delivery.hand_over(session, ALL, stop, received_by="王医生")
    return lambda actor: delivery.come_back(session, actor, run)


@case("inspection.check")
async def _case(session: AsyncSession) -> Act:
    return lambda actor: inspection.check(session, actor)


ALL = replace(ALL, verbs=ALL.verbs | set(CASES), county=COUNTY)


@pytest.mark.parametrize("verb", CASES)
async def test_an_action_leaves_exactly_one_entry_in_the_trail(session: AsyncSession, verb: str) -> None:
    act = await CASES[verb](session)
    before = await day.trail_length(session)
    await act(ALL)
    (told,) = await database.rows(session, "SELECT verb, actor FROM trail ORDER BY id OFFSET $1", before)
    assert (told["verb"], told["actor"]) == (verb, ALL.name)


BOOKS = """SELECT sum(xact) FROM (SELECT n_tup_ins + n_tup_upd + n_tup_del AS xact FROM pg_stat_xact_user_tables) t"""


@pytest.mark.parametrize("verb", CASES)
async def test_whose_post_has_every_verb_but_this_one_does_nothing(session: AsyncSession, verb: str) -> None:
    act = await CASES[verb](session)
    written = await database.value(session, BOOKS)
    with pytest.raises(NotAllowed, match=verb):
        await act(replace(ALL, verbs=ALL.verbs - {verb}))
    assert await database.value(session, BOOKS) == written


def test_no_action_is_missing_here() -> None:
    assert set(CASES) - {"delivery.keep_solution"} == {
        verb for verb in ROLES_OF if not verb.endswith(".read")
    }


COUNTY_WIDE = {"places.add", "places.amend", "delivery.keep_solution", "inspection.check"}
"""Verbs of the whole county: the role alone bars them (and so all of people and formulary)."""
OF_A_PLACE = [v for v in CASES if v not in COUNTY_WIDE and v.split(".")[0] not in {"people", "formulary"}]


@pytest.mark.parametrize("verb", OF_A_PLACE)
async def test_another_place_s_paper_is_as_if_it_were_not_there(session: AsyncSession, verb: str) -> None:
    """Somebody of the other township, with every verb there is, meets 404 and writes nothing."""
    act = await CASES[verb](session)
    written = await database.value(session, BOOKS)
    with pytest.raises(Refusal) as refused:
        await act(replace(ALL, place_id=id_of("township2"), role="township_pharmacist"))
    assert refused.value.status == 404
    assert await database.value(session, BOOKS) == written
