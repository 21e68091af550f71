"""The life of a requisition, and what may be asked."""

from uuid import UUID

import pytest

from xinglin.base.errors import WrongState
from xinglin.orders import rules
from xinglin.orders.rules import Asked, Orderable, why_rejected

ID = UUID(int=1)
BOX = Orderable(ID, "阿莫西林", 24, "盒", "stocked", "", True)
STEPS = {
    "put_lines": {"draft", "returned"},
    "submit": {"draft", "returned"},
    "cancel": {"draft", "returned", "submitted"},
    "approve": {"submitted"},
    "send_back": {"submitted"},
    "allocate": {"approved"},
    "pick": {"allocated"},
    "ship": {"picked"},
    "receive": {"shipped"},
}


@pytest.mark.parametrize("state", rules.STATES)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_taken_from_its_states_and_refused_from_all_others(step: str, state: str) -> None:
    if state in STEPS[step]:
        rules.check_step(state, step, "REQ-1")
    else:
        with pytest.raises(WrongState, match="REQ-1"):
            rules.check_step(state, step, "REQ-1")


def test_nothing_follows_on_a_closed_or_cancelled_paper() -> None:
    assert not any({"closed", "cancelled"} & states for states in rules.MAY.values())


def test_whole_packs_of_what_is_listed_may_be_ordered() -> None:
    assert why_rejected(Asked(ID, 48), BOX) is None
    assert why_rejected(Asked(ID, 24), BOX._replace(may="on_request")) is None


@pytest.mark.parametrize("quantity", [0, -24, 23, 25, rules.LARGEST_LINE + 24])
def test_what_is_not_whole_packs_is_rejected_with_the_pack(quantity: int) -> None:
    reason = why_rejected(Asked(ID, quantity), BOX)
    assert reason is not None
    assert reason.fields == {"product": "阿莫西林", "unit": "盒", "size": 24, "value": quantity}


def test_a_product_that_is_not_listed_or_forbidden_is_rejected_with_the_rule() -> None:
    forbidden = why_rejected(Asked(ID, 24), BOX._replace(may="not_allowed", rule="R11: narcotic"))
    assert forbidden is not None and forbidden.fields["rule"] == "R11: narcotic"
    unlisted = why_rejected(Asked(ID, 24), BOX._replace(may=None))
    assert unlisted is not None and unlisted.fields["rule"]


def test_a_product_without_a_price_or_without_a_record_is_rejected() -> None:
    unpriced = why_rejected(Asked(ID, 24), BOX._replace(priced=False))
    unknown = why_rejected(Asked(ID, 24), None)
    assert unpriced is not None and "no price" in unpriced.message
    assert unknown is not None and unknown.product_id == ID
