"""Bad input: one clear sentence of what is wrong, where, and what would be right, in the reader's language."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import Machine
from tests.world import World, id_of

Make = Callable[..., Machine]
KEY = {"idempotency-key": "a-good-key", "content-type": "application/json"}
LINE = {"product_id": str(id_of("amoxicillin")), "quantity": 24}
ORDER = {"place_id": str(id_of("clinic1")), "lines": [LINE]}
BODIES: tuple[tuple[Any, str, str, str], ...] = (
    # body, where, English, Chinese
    ({"lines": [LINE]}, "place_id", "Is missing.", "缺少此项。"),
    (ORDER | {"urgent": True}, "urgent",
     "Is not known here; possible are place_id, lines, is_urgent, note, submit.",
     "这里没有此项；可用的有：place_id, lines, is_urgent, note, submit。"),
    (ORDER | {"lines": [LINE | {"qty": 1}]}, "lines[0].qty",
     "Is not known here; possible are product_id, quantity.", "这里没有此项；可用的有：product_id, quantity。"),
    (ORDER | {"lines": [LINE | {"quantity": "24"}]}, "lines[0].quantity",
     'Must be a whole number, not "24".', '应为整数，而不是 "24"。'),
    (ORDER | {"lines": [LINE | {"quantity": 1.5}]}, "lines[0].quantity",
     "Must be a whole number, not 1.5.", "应为整数，而不是 1.5。"),
    (ORDER | {"lines": [LINE | {"quantity": True}]}, "lines[0].quantity",
     "Must be a whole number, not true.", "应为整数，而不是 true。"),
    (ORDER | {"lines": [LINE | {"quantity": 0}]}, "lines[0].quantity", "Must be above 0, not 0.", "应大于 0，而不是 0。"),
    (ORDER | {"lines": [LINE | {"quantity": 10**30}]}, "lines[0].quantity",
     "Must be 1000000000 or less, not 1000000000000000000000000000000.",
     "应不大于 1000000000，而不是 1000000000000000000000000000000。"),
    (ORDER | {"lines": LINE}, "lines", None, None),
    (ORDER | {"place_id": "clinic1"}, "place_id",
     'Must be an id such as 01981b5e-3c00-7000-8000-000000000001, not "clinic1".',
     '应为编号，如 01981b5e-3c00-7000-8000-000000000001，而不是 "clinic1"。'),
    (ORDER | {"is_urgent": "perhaps"}, "is_urgent", 'Must be true or false, not "perhaps".',
     '应为 true 或 false，而不是 "perhaps"。'),
    (ORDER | {"note": "x" * 501}, "note", "Is too long: at most 500 characters.", "太长：最多 500 个字符。"),
    (ORDER | {"note": 7}, "note", "Must be text, not 7.", "应为文字，而不是 7。"),
    (ORDER | {"note": "a\x00b"}, "note", "Holds a NUL character, which no text has: leave it out.",
     "含有空字符（NUL），文字中不应有：请去掉。"),
    ([ORDER], "body", None, None),
    ("order", "body", 'Must be an object with named fields, not "order".', '应为带字段名的对象，而不是 "order"。'),
)  # fmt: skip


@pytest.mark.parametrize(("body", "where", "english", "chinese"), BODIES)
async def test_a_fault_of_a_body_is_told_with_its_place(
    body: Any, where: str, english: str | None, chinese: str | None, visitor: Make
) -> None:
    for language, wanted in (("en", english), ("zh", chinese)):
        answer = await visitor("doctor1", language).write("/requisitions", body)
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        (fault,) = answer.json()["faults"]
        assert fault["where"] == where
        assert wanted is None or fault["what"] == wanted
        assert fault["what"] in answer.json()["detail"]


async def test_every_fault_of_a_body_is_told_at_once(visitor: Make) -> None:
    body = {
        "place_id": "x",
        "lines": [{"quantity": -1}, LINE, {"product_id": 7, "quantity": 1}],
        "is_urgent": "?",
    }
    answer = await visitor("doctor1").write("/requisitions", body)
    assert [fault["where"] for fault in answer.json()["faults"]] == [
        "place_id", "lines[0].product_id", "lines[0].quantity", "lines[2].product_id", "is_urgent",
    ]  # fmt: skip
    assert answer.json()["detail"].endswith("And 4 more.")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"place_id":', "Is not valid JSON"),
        (b'{"note": NaN}', "Is not valid JSON"),
        (b'{"note": Infinity}', "Is not valid JSON"),
        (b'{"note": "\\ud800"}', "Is not valid JSON"),
        (b'{"note": "\xff"}', "Is not valid JSON"),
        (b"[" * 5000, "Lists and objects are nested too deeply."),
        (b"", "Is missing."),
    ],
)
async def test_a_body_that_is_no_json_is_refused(content: bytes, said: str, visitor: Make) -> None:
    answer = await visitor("doctor1").post("/requisitions", content=content, headers=KEY)
    assert answer.status_code == 422, answer.text
    assert answer.json()["faults"][0]["what"].startswith(said)


@pytest.mark.parametrize(
    ("address", "where", "said"),
    [
        ("/requisitions?limit=0", "limit", 'Must be a whole number from 1 to 200, not "0".'),
        ("/requisitions?limit=many", "limit", 'Must be a whole number from 1 to 200, not "many".'),
        (f"/requisitions?limit={10**40}", "limit", "Must be a whole number from 1 to 200, not "),
        ("/requisitions?place_id=here", "place_id", "Must be an id such as "),
        ("/requisitions?state=lost", "state", "Must be one of draft, submitted, returned, "),
        ("/runs?on=yesterday", "on", 'Must be a day such as 2026-03-14, not "yesterday".'),
        ("/products?q=" + "x" * 101, "q", "Is too long: at most 100 characters."),
    ],
)
async def test_a_fault_of_a_parameter_says_what_would_be_right(
    address: str, where: str, said: str, visitor: Make
) -> None:
    told = (await visitor("doctor1").ask(address, 422))["faults"]
    assert [fault["where"] for fault in told] == [where]
    assert told[0]["what"].startswith(said)


@pytest.mark.parametrize("cursor", ["x", "bm8", "WyJhIl0", "W10", "é", "eyJhIjoxfQ"])
@pytest.mark.parametrize(
    ("who", "address"),
    [("chief", "/requisitions"), ("chief", "/places"), ("chief", "/products"), ("chief", "/runs"), ("admin", "/accounts"),
     ("inspector", "/inspection/findings"), ("inspector", "/inspection/seals")],
)  # fmt: skip
async def test_a_made_up_cursor_is_refused(cursor: str, who: str, address: str, visitor: Make) -> None:
    answer = await visitor(who).get(address, params={"cursor": cursor})
    if (address, cursor) != ("/accounts", "WyJhIl0"):
        assert answer.status_code == 422, answer.text
        assert "cursor" in answer.json()["detail"]


async def test_pages_follow_one_another_without_gap_or_repetition(visitor: Make) -> None:
    for who, address in (
        ("chief", "/places"),
        ("chief", "/products"),
        ("admin", "/accounts"),
        ("inspector", "/inspection/trail"),
    ):
        asking = visitor(who)
        whole = [item["id"] for item in (await asking.ask(address, limit=200))["items"]]
        assert len(whole) > 4
        found: list[str] = []
        cursor = None
        while True:
            page = await asking.ask(address, limit=3, **({"cursor": cursor} if cursor else {}))
            found += [item["id"] for item in page["items"]]
            if (cursor := page["next"]) is None:
                break
        assert found == whole, address


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_content_of_another_kind_is_refused(kind: str, visitor: Make) -> None:
    headers = {"idempotency-key": "a-good-key"} | ({"content-type": kind} if kind else {})
    answer = await visitor("doctor1").post("/requisitions", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


async def test_a_body_that_is_too_large_is_refused(visitor: Make) -> None:
    answer = await visitor("doctor1").post("/requisitions", content=b" " * (3 * 1024 * 1024), headers=KEY)
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


async def test_no_nul_comes_in_by_an_address_or_a_form(visitor: Make) -> None:
    assert (await visitor("doctor1").get("/products?q=%00")).status_code == 422
    async with visitor("doctor1") as client:
        answer = await client.post("http://api/sign-in", data={"username": "a\x00b", "password": "x"})
    assert answer.status_code in (403, 422)


async def test_an_address_that_is_none_says_where_they_all_are(visitor: Make) -> None:
    told = await visitor("doctor1").ask("/requisitions/not-an-id", 404)
    assert told["detail"] == "There is no such address: /api/schema/openapi.json lists all of them."
    assert (await visitor("doctor1").delete("/me")).status_code == 405


async def test_a_role_is_told_before_a_body_is_read(visitor: Make) -> None:
    answer = await visitor("driver").post("/requisitions", content=b"rubbish", headers=KEY)
    assert (answer.status_code, "faults" in answer.json()) == (403, False)


async def test_a_password_is_never_told_back(visitor: Make) -> None:
    answer = await visitor("admin").write(
        "/accounts", {"username": "n", "name": "N", "password": 1234567890123}
    )
    assert answer.status_code == 422
    assert "1234567890123" not in answer.text


CSV = """通用名,剂型,规格,包装,生产企业,条码,盒重克,盒体积立方厘米
好药,片剂,5mg,盒=20片,厂,6901234567892,50,100
,片剂,5mg,盒=20片,厂,,50,100
坏药,片剂,5mg,盒=二十片,厂,,50,100
轻药,片剂,5mg,盒=20片,厂,,轻,100
"""


async def test_a_file_with_faults_lists_them_all_by_line_and_changes_nothing(visitor: Make) -> None:
    chief = visitor("chief", "zh")
    headers = {"content-type": "text/csv", "idempotency-key": "the-file-1"}
    answer = await chief.post("/products/file", content=CSV.encode(), headers=headers)
    assert answer.status_code == 422, answer.text
    assert [fault["where"] for fault in answer.json()["faults"]] == [
        "第 3 行，通用名", "第 4 行，包装", "第 5 行，盒重克",
    ]  # fmt: skip
    assert (await chief.ask("/products", q="好药"))["items"] == []


async def test_a_good_file_is_taken_up_whole_and_waits_for_its_prices(machine: Make) -> None:
    chief = machine("chief")
    headers = {"content-type": "text/csv", "idempotency-key": "the-file-2"}
    content = "\n".join(CSV.splitlines()[:2]).encode("gb18030")
    answer = await chief.post("/products/file", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    made = await chief.ask(f"/products/{answer.json()['ids'][0]}")
    assert (made["generic_name"], made["pack_size"], made["unit_price"]) == ("好药", 20, None)
    lines = [{"product_id": made["id"], "quantity": 20}]
    placed = await machine("doctor1").write(
        "/requisitions", {"place_id": str(id_of("clinic1")), "lines": lines, "submit": False}
    )
    assert placed.json()["rejected"][0]["message"] == "好药 has no price yet."


async def test_what_a_file_lacks_for_planning_is_a_fault_by_line(visitor: Make) -> None:
    content = "通用名,剂型,规格,包装,生产企业\n好药,片剂,5mg,盒=20片,厂\n".encode()
    answer = await visitor("chief").post(
        "/products/file",
        content=content,
        headers={"content-type": "text/csv", "idempotency-key": "the-file-3"},
    )
    assert [fault["where"] for fault in answer.json()["faults"]] == [
        "line 2", "line 2, pack_load_g", "line 2, pack_volume_cm3",
    ]  # fmt: skip


async def test_every_address_is_described(visitor: Make, world: World) -> None:
    async with visitor("doctor1") as client:
        described = (await client.get("http://api/api/schema/openapi.json")).json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), (method, path)
            refusals = {"401", "403", "404", "422", "429"} | (set() if method == "get" else {"409", "412"})
            assert refusals <= operation["responses"].keys(), (method, path)
            for status in refusals:
                assert list(operation["responses"][status]["content"]) == ["application/problem+json"]
            if method != "get":
                assert any(
                    one["name"] == "Idempotency-Key" and one["required"] for one in operation["parameters"]
                )
