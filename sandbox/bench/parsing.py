"""From an answer's bytes to typed records: ours, the public client's way to dicts, and the bare XML parser, by turns."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import cycle
from typing import Annotated, Any

import typer

from sandbox import constants
from sandbox.bench.table import Result, load, middle, results_table, table
from sandbox.bench.world import a_world
from sandbox.demo.steering import Steering

ROWS, FIELDS = 2000, 33
MOST_OF_LXML, LEAST_OF_SDK = 5.0, 3.0
LXML, OURS, SDK = "lxml.etree.fromstring", "this project", "sageintacctsdk"
Ways = Mapping[str, Callable[[bytes], object]]
Seconds = dict[str, list[float]]
"""By way, what each round took of a processor."""


def measure(*, pages: int, rounds: int) -> dict[str, dict[str, Seconds]]:
    """By kind of record and by what ours is compared with: the seconds of both, for answers of 2,000 rows.

    In each round both read the same answer, and the next round takes another one, so that little of what was read before
    comes again, as in a long reading. Only two are compared at once: what a third one leaves of the process's memory would
    help whoever comes next.
    """
    found = {}
    with a_world() as steering:
        kinds = {"bills": (_bill_ways, _bill_fields()), "lines": (_line_ways, _line_fields())}
        steering.http.post("/_sandbox/reset", json={"seed": 7, "vendors": 400, "bills": pages * ROWS * 11 // 10}, timeout=600)
        for kind, (make, (object_name, fields)) in kinds.items():
            answers, ways = list(_answers(steering, object_name, fields, pages)), make()
            found[kind] = {other: _by_turns({other: ways[other], OURS: ways[OURS]}, answers, rounds) for other in (LXML, SDK)}
    return found


def _by_turns(ways: Ways, answers: list[bytes], rounds: int) -> Seconds:
    seconds: Seconds = {name: [] for name in ways}
    turns = list(ways.items())
    for number, body in zip(range(rounds + 1), cycle(answers), strict=False):
        for name, read in turns if number % 2 else reversed(turns):
            gc.collect()
            began = time.process_time()
            kept = read(body)
            used = time.process_time() - began
            del kept
            # The first round is for what a process works out once.
            if number:
                seconds[name].append(used)
    return seconds


def ratios(seconds: Seconds, way: str, to: str) -> list[float]:
    """How many times as long one way took as another, round by round."""
    return [one / other for one, other in zip(seconds[way], seconds[to], strict=True)]


def _answers(steering: Steering, object_name: str, fields: tuple[str, ...], pages: int) -> Iterator[bytes]:
    """Answers as they leave the gateway: each the next 2,000 rows of one walk."""
    from intacct_asana.intacct.query import Query, more_than
    from intacct_asana.intacct.replies import decipher, rows_of
    from intacct_asana.intacct.xml import Login, Sender, request

    sender = Sender(sender_id=constants.SENDER_ID, password=constants.SENDER_PASSWORD)
    login = Login(user_id=constants.WS_USER, company_id=constants.COMPANY_ID, password=constants.WS_PASSWORD)
    last = "0"
    for _ in range(pages):
        where = more_than("RECORDNO", last)
        query = Query(object_name=object_name, select=fields, where=where, page_size=ROWS, show_private=True)
        asked = request(sender, login, query.element(), control_id="bench", unique=False)
        body = steering.http.post("/ia/xml/xmlgw.phtml", content=asked, headers={"content-type": "application/xml"}).content
        rows = rows_of(decipher(200, {}, body, asked="query", is_write=False), object_name, asked="query")
        if len(rows) != ROWS:
            raise RuntimeError(f"{len(rows)} rows of {object_name} came instead of {ROWS:,}")
        last = rows[-1]["RECORDNO"]
        yield body


def _bill_fields() -> tuple[str, tuple[str, ...]]:
    from intacct_asana.intacct.records import BILL, BILL_NEEDED, BILL_WISHED

    return BILL, (*BILL_NEEDED, *BILL_WISHED)[:FIELDS]


def _line_fields() -> tuple[str, tuple[str, ...]]:
    from intacct_asana.intacct.records import LINE, LINE_NEEDED, LINE_WISHED

    return LINE, (*LINE_NEEDED, *LINE_WISHED)


def _bill_ways() -> Ways:
    from intacct_asana.intacct.records import BILL, bill_of

    return _ways(BILL, partial(bill_of, company_id=constants.COMPANY_ID))


def _line_ways() -> Ways:
    from intacct_asana.intacct.records import LINE, line_of

    return _ways(LINE, line_of)


def _ways(object_name: str, record: Callable[[Any], object]) -> Ways:
    from intacct_asana.intacct.replies import decipher, rows_of
    from lxml import etree

    def ours(body: bytes) -> object:
        reply = decipher(200, {}, body, asked="query", is_write=False, control_id="bench")
        return [record(row) for row in rows_of(reply, object_name, asked="query")]

    return {LXML: etree.fromstring, OURS: ours, SDK: _public_client(object_name)}


def _public_client(object_name: str) -> Callable[[bytes], object]:
    """What `sageintacctsdk` makes of the answer, by its own code: only the sending is left out."""
    import requests
    from sageintacctsdk.apis.api_base import ApiBase

    class Answered(ApiBase):  # type: ignore[misc]
        body = b""

        def _ApiBase__post_request_for_raw_response(self, dict_body: object, api_url: str) -> requests.Response:
            answer = requests.Response()
            answer.status_code, answer._content, answer.encoding = 200, self.body, "utf-8"
            return answer

    client = Answered(dimension=object_name)
    client.set_show_private(False)

    def read(body: bytes) -> object:
        client.body = body
        return client.format_and_send_request({"query": {"object": object_name}})["data"][object_name]

    return read


def results(*, quick: bool) -> list[Result]:
    found = measure(pages=2 if quick else 5, rounds=7 if quick else 25)
    goals = {("bills", LXML): {"at_most": MOST_OF_LXML}, ("bills", SDK): {"at_least": LEAST_OF_SDK}}
    return [
        _result(kind, other, seconds, **goals.get((kind, other), {}))
        for kind, compared in found.items()
        for other, seconds in compared.items()
    ]


def _result(kind: str, other: str, seconds: Seconds, **goal: float) -> Result:
    if other == LXML:
        return middle(f"{kind}_to_records_vs_lxml", "times bare lxml", ratios(seconds, OURS, LXML), **goal)
    return middle(f"{kind}_to_records_vs_sageintacctsdk", "times faster", ratios(seconds, SDK, OURS), **goal)


def main(
    rounds: Annotated[int, typer.Option(min=2, max=500, help="How often each way reads an answer, by turns.")] = 25,
    pages: Annotated[int, typer.Option(min=1, max=20, help="Different answers, each of 2,000 rows.")] = 5,
) -> None:
    """Answer bytes of 2,000 bills to typed records, beside bare lxml and the public client's dicts."""
    before, found = load(), measure(pages=pages, rounds=rounds)
    rows, compared = [], []
    for kind, others in found.items():
        for other, seconds in others.items():
            rows += [(f"{kind}, {way}", *_milliseconds(used)) for way, used in seconds.items()]
            compared.append(_result(kind, other, seconds))
    print(f"\nAnswers of {ROWS:,} rows, milliseconds of a processor; {rounds} rounds of two by turns")
    print(table(("rows and way", "min", "median", "max"), rows))
    print(f"\n{results_table(compared)}")
    print(f"Goals for bills: at most {MOST_OF_LXML:g} times lxml, {LEAST_OF_SDK:g} times faster than {SDK}.")
    print(f"Before: {before}\nAfter:  {load()}")


def _milliseconds(used: list[float]) -> list[str]:
    return [f"{figure * 1000:.1f}" for figure in (min(used), statistics.median(used), max(used))]
