"""Many connections on a few shelves: the shorter form of `python -m tests.load.stock_operations`."""

import pytest

from tests.load.stock_operations import SINGLE, run

OPERATIONS = 3000


@pytest.mark.load
async def test_sixteen_connections_on_the_same_lots_end_in_books_that_balance(url: str) -> None:
    outcome = await run(url, OPERATIONS)
    assert outcome.is_well, outcome
    assert outcome.operations == OPERATIONS
    assert not outcome.failures
    # Had nothing worked, or nothing collided, it would have proved nothing.
    assert set(outcome.done) == {*SINGLE, "batch"}
    assert {"not_enough", "wrong_state"} <= set(outcome.refused)
    assert 0.05 < outcome.refusals / outcome.operations < 0.7
