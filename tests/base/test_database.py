"""Transactions: whole or not at all, in the right county, and there again after PostgreSQL was away."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from tests.world import COUNTY
from xinglin.base import clock, database
from xinglin.base.cluster import Cluster
from xinglin.base.database import Database, schema_of
from xinglin.base.errors import BadInput
from xinglin.base.ids import new_id, paper_number


async def numbers(base: Database, count: int) -> list[str]:
    made = []
    for _ in range(count):
        async with base.transaction(COUNTY) as session:
            made.append(await paper_number(session, "TST", clock.today(), 83))
    return made


async def test_numbers_of_papers_have_no_gap_and_no_twin_however_many_count(base: Database) -> None:
    made = [
        number for part in await asyncio.gather(*(numbers(base, 10) for _ in range(6))) for number in part
    ]
    assert sorted(int(number.rsplit("-", 1)[1]) for number in made) == list(range(1, 61))
    assert all(number.startswith(f"TST-{clock.today():%Y%m%d}-083-") for number in made)


async def test_a_paper_that_is_not_made_gives_its_number_back(base: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with base.transaction(COUNTY) as session:
            await paper_number(session, "TST", clock.today(), 1)
            raise ZeroDivisionError
    assert (await numbers(base, 1))[0].endswith("-1")


async def test_a_transaction_works_in_its_county_and_leaves_the_next_one_nothing_of_it(
    base: Database,
) -> None:
    async with base.transaction(COUNTY) as session:
        assert await database.value(session, "SELECT current_schema()") == f"county_{COUNTY}"
    async with base.transaction() as session:
        assert await database.value(session, "SELECT current_schema()") == "public"


@pytest.mark.parametrize(
    "code", ["", "65420", "6542033", "public", "654203; DROP SCHEMA public", "654203\n", "６５４２０３"]
)
def test_only_six_digits_are_a_county(code: str) -> None:
    with pytest.raises(BadInput, match="six digits"):
        schema_of(code)


def test_later_ids_sort_after_earlier_ones() -> None:
    made = [new_id() for _ in range(200)]
    assert made == sorted(made) and len(set(made)) == 200


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("restarted"), fast_and_unsafe=True) as cluster:
        yield cluster


@pytest.mark.crash
async def test_a_pool_of_dead_connections_serves_again_once_postgresql_is_back(cluster: Cluster) -> None:
    base = Database(cluster.ensure_database("away"), pool_size=4)

    async def ask() -> int:
        async with base.transaction() as session:
            answer: int = await database.value(session, "SELECT pg_backend_pid()")
            await asyncio.sleep(0.02)
            return answer

    before = set(await asyncio.gather(*(ask() for _ in range(4))))
    assert len(before) == 4
    # Every backend dies at once, as they do when the server crashes, and the server comes back by itself.
    killer = await asyncpg.connect(base.url)
    await killer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'away' AND pid <> pg_backend_pid()"
    )
    await killer.close()
    after = set(await asyncio.gather(*(ask() for _ in range(8))))
    assert after and not after & before
    await asyncio.to_thread(cluster.stop)
    waiting = asyncio.create_task(ask())
    await asyncio.sleep(0.3)
    await asyncio.to_thread(cluster.start)
    assert await waiting not in after
    await base.close()
