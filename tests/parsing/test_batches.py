"""What a parser makes of a batch of bytes, whatever they are."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from log_sentinel.model.columns import ACTIVITY, COMPANIONS, DENIALS, OTHER_KEY, REJECTS, TRAFFIC
from log_sentinel.parsing import parser as parser_module
from log_sentinel.parsing.tally import Tally
from tests.parsing.builders import COMBINED, batch, line, parser, parser_of

TEN = 1795514400000  # 2026-11-24 10:00 UTC


@pytest.fixture(params=["careful", "fast"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test runs over both paths."""
    small = 0 if request.param == "fast" else 10**12
    monkeypatch.setattr(parser_module, "SMALL", {"text": small, "json": small})
    return str(request.param)


@pytest.mark.usefixtures("way")
class TestOffsets:
    """origin_offset is the first byte of the line in its generation."""

    def denied_at(self, data: bytes, start: int = 0, offsets: tuple[int, ...] | None = None) -> list[int]:
        return parser().parse(batch(data, start, offsets)).denials["origin_offset"].to_list()

    def test_lines_lie_one_after_the_other_from_the_start_of_the_batch(self) -> None:
        data = (line(200) + line(403) + line(429)).encode()
        assert self.denied_at(data, start=1000) == [1000 + len(line(200)), 1000 + len(line(200) + line(403))]

    def test_carriage_returns_and_undecodable_bytes_count(self) -> None:
        first = line(403).encode().replace(b"\n", b"\r\n")
        second = line(403, "GET /caf\xe9 HTTP/1.1").encode("latin-1")
        assert self.denied_at(first + second + line(403).encode()) == [0, len(first), len(first + second)]

    def test_blank_and_unreadable_lines_count(self) -> None:
        assert self.denied_at(b"\n\nnonsense\n" + line(403).encode()) == [len("\n\nnonsense\n")]

    def test_given_offsets_are_taken(self) -> None:
        data = (line(403) + line(200) + line(403)).encode()
        assert self.denied_at(data, 5, (70, 300, 900)) == [70, 900]

    def test_a_byte_order_mark_is_no_part_of_the_first_line(self) -> None:
        assert self.denied_at(b"\xef\xbb\xbf" + line(403).encode() + line(403).encode()) == [3, 3 + len(line(403))]

    def test_the_last_line_may_lack_its_newline(self) -> None:
        assert self.denied_at(line(403).encode()[:-1]) == [0]


@pytest.mark.usefixtures("way")
class TestFrames:
    def test_have_the_columns_that_the_model_writes_down(self) -> None:
        parsed = parser().parse(batch(line(403) + line(503) + "x\n"))

        evidence = {"x.body": pl.String}
        assert dict(parsed.denials.schema) == DENIALS | evidence
        assert dict(parsed.candidates.schema) == DENIALS | evidence
        assert dict(parsed.traffic.schema) == TRAFFIC
        assert dict(parsed.activity.schema) == ACTIVITY
        assert dict(parsed.companions.schema) == COMPANIONS
        assert dict(parsed.rejects.schema) == REJECTS

    def test_are_empty_for_an_empty_batch(self) -> None:
        parsed = parser().parse(batch(b""))

        assert (parsed.lines, parsed.denials.height, parsed.traffic.height, parsed.reject_counts) == (0, 0, 0, {})

    def test_hold_denials_and_candidates_apart(self) -> None:
        parsed = parser(statuses=frozenset({403}), candidate_statuses=frozenset({429})).parse(
            batch(line(403) + line(429) + line(200))
        )

        assert parsed.denials["status"].to_list() == [403]
        assert parsed.candidates["status"].to_list() == [429]

    def test_count_requests_of_every_status_per_minute_and_route(self) -> None:
        parsed = parser().parse(
            batch(
                line(200, "GET /a/1 HTTP/1.1")
                + line(200, "POST /a/2?x=/b HTTP/1.1")
                + line(404, "GET /a/1 HTTP/1.1", time="24/Nov/2026:04:34:00 +0100")
                + line("009", "GET /")
                + line("000", "-")
            )
        )

        minute = datetime(2026, 11, 24, 3, 33, tzinfo=UTC)
        assert sorted(parsed.traffic.rows()) == [
            (minute, "/", 9, 1),
            (minute, "/a/{id}", 200, 2),
            (minute, "{malformed}", 0, 1),
            (minute.replace(minute=34), "/a/{id}", 404, 1),
        ]

    def test_count_requests_per_client_and_address(self) -> None:
        parsed = parser().parse(
            batch(line(200) + line(403, user="alice") + line(404, ip="::ffff:203.0.113.7") + line(204, ip="unix:"))
        )

        hour = datetime(2026, 11, 24, 3, tzinfo=UTC)
        assert sorted(parsed.activity.rows()) == [
            (hour, "client", "alice", 403, 1),
            (hour, "ip", OTHER_KEY, 2, 1),
            (hour, "ip", "203.0.113.7", 2, 1),
            (hour, "ip", "203.0.113.7", 4, 1),
            (hour, "ip", "203.0.113.7", 403, 1),
        ]

    def test_name_every_denied_address_and_the_largest_others_only(self) -> None:
        crowd = "".join(line(200, ip=f"198.51.{n // 250}.{n % 250}") for n in range(3000))
        parsed = parser().parse(batch(crowd + line(200, ip="192.0.2.1") * 10 + line(403) + line(200)))

        assert sorted(parsed.activity.rows())[0][1:] == ("ip", OTHER_KEY, 2, 3000)
        assert set(parsed.activity["key"]) == {OTHER_KEY, "192.0.2.1", "203.0.113.7"}
        assert parsed.activity["n"].sum() == 3012


@pytest.mark.usefixtures("way")
class TestBadInput:
    def test_rejects_are_counted_by_reason_and_sampled(self) -> None:
        parsed = parser().parse(
            batch(
                "nonsense\n" * 40 + line(403, time="01/Jan/1970:00:00:00 +0000") + line("4x3"),
                skipped=((77, "too long", b"\xffabc"),),
            )
        )

        assert parsed.reject_counts == {
            "does not fit the format": 41,
            "no time, or one no gateway can have had": 1,
            "too long": 1,
        }
        assert parsed.rejects.row(0) == (77, "too long", "\\xffabc")
        assert parsed.rejects.height == parser_module.REJECTS_SAMPLED
        assert parsed.lines == 43

    def test_a_status_is_three_ascii_digits(self) -> None:
        parsed = parser().parse(batch(line("٤٠٣") + line("40") + line("4030") + line("-")))

        assert parsed.reject_counts == {"does not fit the format": 4}

    def test_nul_runs_before_a_line_are_taken_off(self) -> None:
        parsed = parser().parse(batch(b"\0" * 5000 + line(403).encode() + b"\0\0\n"))

        assert (parsed.denials["ip"].to_list(), parsed.lines) == (["203.0.113.7"], 1)

    def test_a_nul_within_a_line_does_not_reach_the_database(self) -> None:
        parsed = parser().parse(batch(line(403, agent="a\0b")))

        assert parsed.denials["user_agent"].to_list() == ["a\ufffdb"]

    def test_a_line_of_ten_megabytes_is_read(self) -> None:
        parsed = parser().parse(batch(line(403, f"GET /{'a' * 10_000_000} HTTP/1.1") + line(403)))

        assert parsed.denials.height == 2
        assert parsed.denials["path"].str.len_chars().max() == 2048

    def test_ten_megabytes_of_quotes_brackets_and_times_are_read_in_one_go(self) -> None:
        hostile = [b'" ' * 5_000_000, b" [" * 5_000_000, b"[24/Nov/2026:03:33:33 +0000] " * 300_000, b'\\"' * 5_000_000]
        for each in hostile:
            parsed = parser().parse(batch(b"1.2.3.4 - " + each + b"\n"))
            assert parsed.reject_counts == {"does not fit the format": 1}

    def test_a_user_name_cannot_hide_a_denial(self) -> None:
        forged = "x [24/Nov/2026:03:33:33 +0000] \\x22GET / HTTP/1.1\\x22 200 5"
        parsed = parser().parse(batch(line(403, user=forged)))

        assert parsed.denials["status"].to_list() == [403]
        assert parsed.denials["client"].to_list() == [forged.replace("\\x22", '"')]

    def test_apaches_escaped_quotes_do_not_end_a_value(self) -> None:
        parsed = parser().parse(batch(line(403, r"FOO /\"q\"\\x HTTP/1.1", agent=r"\" 200 5 \"-\" \"-")))

        assert parsed.denials["path"].to_list() == ['/"q"\\x']
        assert parsed.denials["user_agent"].to_list() == ['" 200 5 "-" "-']

    def test_offsets_of_time_may_change_within_a_batch(self) -> None:
        parsed = parser().parse(
            batch(line(403, time="25/Oct/2026:02:59:59 +0200") + line(403, time="25/Oct/2026:02:00:01 +0100"))
        )

        assert parsed.denials["time"].dt.strftime("%H:%M:%S").to_list() == ["00:59:59", "01:00:01"]
        assert parsed.traffic.sort("minute")["minute"].dt.strftime("%H:%M").to_list() == ["00:59", "01:00"]


def test_the_client_behind_a_trusted_proxy_is_counted_and_stored() -> None:
    main = COMBINED + ' "$http_x_forwarded_for"'
    text = "".join(line(403, ip="10.0.0.1")[:-1] + f' "6.6.6.6, 198.51.100.{n}"\n' for n in range(3))
    parsed = parser_of(main, trusted_proxies=("10.0.0.0/8",)).parse(batch(text))

    assert parsed.denials["ip"].to_list() == ["198.51.100.0", "198.51.100.1", "198.51.100.2"]
    assert parsed.denials["peer_ip"].to_list() == ["10.0.0.1"] * 3
    assert set(parsed.activity["key"]) == {"198.51.100.0", "198.51.100.1", "198.51.100.2"}


def test_events_are_all_requests_and_all_rejects() -> None:
    events = parser().events(batch(line(200) + "nonsense\n" * 30 + line(403)))

    assert events.frame["status"].to_list() == [200, 403]
    assert events.rejects.height == 30


def test_routes_past_the_cap_are_told_and_marked() -> None:
    capped = parser(route_cap=2)
    parsed = capped.parse(batch("".join(line(403, f"GET /{word} HTTP/1.1") for word in ("a", "b", "c"))))

    assert capped.routes_full
    assert parsed.denials.select("route", "route_from").rows() == [
        ("/a", "template"),
        ("/b", "template"),
        ("{other}", "cap"),
    ]


def test_all_columns_of_a_denial_are_filled_from_the_line() -> None:
    row = (
        parser().parse(batch(line(403, "GET /v1/orders/42?token=x HTTP/1.1", user="alice"))).denials.row(0, named=True)
    )

    assert {name: value for name, value in row.items() if value is not None} == {
        "time": datetime(2026, 11, 24, 3, 33, 33, tzinfo=UTC),
        "time_is": "end",
        "format": "nginx-combined",
        "gateway": "nginx",
        "origin_offset": 0,
        "method": "GET",
        "path": "/v1/orders/42",
        "query": "token=[redacted]",
        "route": "/v1/orders/{id}",
        "route_from": "template",
        "status": 403,
        "response_bytes": 153,
        "user_agent": "curl/8.5.0",
        "client": "alice",
        "ip": "203.0.113.7",
        "peer_ip": "203.0.113.7",
        "network": "203.0.113.0/24",
        "x.body": "153",
    }


def test_a_log_of_many_lines_goes_the_fast_path() -> None:
    many = parser().parse(batch(line(200) * 5000 + line(403)))

    assert many.lines == 5001
    assert many.traffic["n"].sum() == 5001
    assert many.denials["origin_offset"].to_list() == [5000 * len(line(200))]
    assert many.activity.filter(pl.col("status_class") == 2)["n"].to_list() == [5000]


def test_a_crowd_counted_line_by_line_has_no_row_each_but_whoever_was_denied() -> None:
    tally, many = Tally(frozenset({403})), 5000
    addresses = [f"10.0.{n // 250}.{n % 250}" for n in range(many - 20)] + ["192.0.2.1"] * 20

    tally.add([TEN] * many, ["/"] * many, [200] * (many - 1) + [403], [None] * many, addresses)

    assert {
        (TEN, "ip", "192.0.2.1", 2): 19,
        (TEN, "ip", "192.0.2.1", 403): 1,
        (TEN, "ip", OTHER_KEY, 2): many - 20,
    } == tally.keys


def test_of_few_requests_every_key_is_counted() -> None:
    tally = Tally(frozenset({403}))

    tally.add([TEN, TEN], ["/", "/"], [200, 200], ["acme", None], ["192.0.2.1", None])
    tally.add([], [], [], [], [])

    assert {(TEN, "client", "acme", 2): 1, (TEN, "ip", "192.0.2.1", 2): 1, (TEN, "ip", OTHER_KEY, 2): 1} == tally.keys
