"""Who may do what: one table of roles and verbs."""

from enum import StrEnum
from functools import cache

from xinglin.base.errors import N_


class Role(StrEnum):
    """The posts of a county medical community (domain.md section 6)."""

    VILLAGE_DOCTOR = "village_doctor"
    TOWNSHIP_PHARMACIST = "township_pharmacist"
    CHIEF_PHARMACIST = "chief_pharmacist"
    DEPOT_KEEPER = "depot_keeper"
    DISPATCHER = "dispatcher"
    DRIVER = "driver"
    INSPECTOR = "inspector"
    ADMIN = "admin"


ROLE_NAMES = {
    Role.VILLAGE_DOCTOR: N_("Village doctor"),
    Role.TOWNSHIP_PHARMACIST: N_("Township pharmacist"),
    Role.CHIEF_PHARMACIST: N_("Chief pharmacist"),
    Role.DEPOT_KEEPER: N_("Depot keeper"),
    Role.DISPATCHER: N_("Dispatcher"),
    Role.DRIVER: N_("Driver"),
    Role.INSPECTOR: N_("Inspector"),
    Role.ADMIN: N_("Administrator"),
}

COUNTY_WIDE = frozenset({Role.CHIEF_PHARMACIST, Role.DISPATCHER, Role.INSPECTOR, Role.ADMIN})
"""Roles that look after the whole county; all others are bound to one place."""

_V, _T, _C, _K, _D, _R, _I, _A = (frozenset({role}) for role in Role)

ROLES_OF: dict[str, frozenset[Role]] = {
    "people.read": _A,
    "people.open_account": _A,
    "people.close_account": _A,
    "people.set_password": _A,
    "people.give_post": _A,
    "people.end_post": _A,
    "people.issue_token": _V | _T | _C | _K | _D | _R | _I | _A,
    "people.revoke_token": _V | _T | _C | _K | _D | _R | _I | _A,
    "people.change_password": _V | _T | _C | _K | _D | _R | _I | _A,
    "places.read": _V | _T | _C | _K | _D | _R | _I | _A,
    "places.add": _A,
    "places.amend": _A,
    "formulary.read": _V | _T | _C | _K | _D | _R | _I | _A,
    "formulary.adopt_edition": _C,
    "formulary.add_products": _C,
    "formulary.set_listing": _C,
    "formulary.set_price": _C,
    "formulary.set_policy": _C | _A,
    "stock.read": _V | _T | _C | _K | _D | _I,
    "stock.receive": _T | _K,
    "stock.issue": _V | _T,
    "stock.adjust": _T | _K,
    "stock.quarantine": _T | _K,
    "stock.reverse": _T | _K,
    "shortages.read": _V | _T | _C | _K | _I,
    "shortages.register": _V | _T,
    "shortages.answer": _T | _C,
    "shortages.close": _V | _T | _C,
    "orders.read": _V | _T | _C | _K | _D | _I,
    "orders.open": _V | _T,
    "orders.put_lines": _V | _T,
    "orders.submit": _V | _T,
    "orders.cancel": _V | _T,
    "orders.approve": _T | _C,
    "orders.send_back": _T | _C,
    "orders.allocate": _T | _C | _K,
    "orders.pick": _T | _K,
    "delivery.read": _V | _T | _C | _K | _D | _R | _I | _A,
    "delivery.add_vehicle": _D | _A,
    "delivery.request_plan": _T | _D,
    "delivery.adopt_plan": _T | _D,
    "delivery.move_stop": _T | _D,
    "delivery.discard_plan": _T | _D,
    "delivery.depart": _T | _D | _R,
    "delivery.hand_over": _R,
    "delivery.come_back": _T | _D | _R,
    "inspection.read": _I | _C | _A,
    "inspection.check": _I | _C | _A,
}


@cache
def verbs_of(role: str) -> frozenset[str]:
    """All that a role may do."""
    return frozenset(verb for verb, roles in ROLES_OF.items() if role in roles)
