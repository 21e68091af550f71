"""Default listings by custody class (R11)."""

import pytest

from xinglin.formulary.rules import FIRST_POLICIES, MAY, TIERS, listings_for
from xinglin_catalog import ControlClass

CUSTODY = FIRST_POLICIES["custody"][0]


def may(control: str, *, village_rule: str = "") -> dict[str, str]:
    return {listed.tier: listed.may for listed in listings_for(control, CUSTODY, village_rule=village_rule)}


@pytest.mark.parametrize("control", list(ControlClass))
def test_every_class_says_something_of_every_tier_and_names_its_rule(control: str) -> None:
    listed = listings_for(control, CUSTODY)
    assert tuple(entry.tier for entry in listed) == TIERS
    assert all(entry.may in MAY for entry in listed)
    assert all(entry.rule for entry in listed if entry.may == "not_allowed")


def test_an_ordinary_medicine_may_be_stocked_everywhere() -> None:
    assert set(may("none").values()) == {"stocked"}


@pytest.mark.parametrize("control", ["narcotic", "psychotropic_1"])
def test_a_narcotic_stays_at_the_county(control: str) -> None:
    assert may(control) == {"county": "stocked", "township": "not_allowed", "village": "not_allowed"}


@pytest.mark.parametrize("control", [control for control in ControlClass if control != "none"])
def test_no_controlled_class_reaches_a_village(control: str) -> None:
    assert may(control)["village"] == "not_allowed"


def test_a_village_rule_keeps_a_medicine_from_villages_alone() -> None:
    listed = {entry.tier: entry for entry in listings_for("none", CUSTODY, village_rule="needs a specialist")}
    assert (listed["village"].may, listed["village"].rule) == ("not_allowed", "needs a specialist")
    assert listed["township"].may == "stocked"


def test_a_class_the_policy_does_not_know_is_kept_at_the_county() -> None:
    assert may("radium_of_tomorrow") == {
        "county": "stocked",
        "township": "not_allowed",
        "village": "not_allowed",
    }
    assert {entry.may for entry in listings_for("narcotic", {}) if entry.tier != "county"} == {"not_allowed"}
