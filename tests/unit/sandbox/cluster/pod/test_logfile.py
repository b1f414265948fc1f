"""The file of what a container printed, and how it is read."""

import asyncio
import re

import pytest

from kedro_airflow_k8s.sandbox.cluster.pod.logfile import Log, Reading, last, parse_time, read, timestamp

STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z "


async def collect(log, **options):
    with log.path.open("rb") as file:
        return b"".join([piece async for piece in read(log, file, Reading(**options))])


def written(tmp_path, *pieces):
    log = Log(tmp_path / "log")
    for piece in pieces:
        log.feed(piece)
    log.close()
    return log


@pytest.mark.parametrize(
    "pieces",
    [
        [b"one\ntwo\n"],
        [b"one", b" and a half\n\n", b"two"],
        [b"", b"\n\n\n"],
        [b"\xff\x00binary\r\n", "é".encode()[:1], "é".encode()[1:] + b"\n"],
        [b"x" * 300_000 + b"\n", b"short\n", b"y" * 300_000],
        [b"z" * 70_000] * 5,
        [],
    ],
)
def test_what_was_written_comes_back(tmp_path, pieces):
    """Output is kept byte by byte, with lines of any length and a last one that does not end."""
    log = written(tmp_path, *pieces)

    assert b"".join(pieces) == asyncio.run(collect(log))


def test_every_line_has_one_time(tmp_path):
    """With timestamps each line begins with its own, long ones and empty ones too."""
    text = b"one\n\n" + b"x" * 200_000 + b"\nlast"
    log = written(tmp_path, text[:70_000], text[70_000:150_000], text[150_000:])

    stamped = asyncio.run(collect(log, timestamps=True))

    assert all(re.match(STAMP, line) for line in stamped.split(b"\n"))
    assert text == re.sub(STAMP, b"", stamped)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [(0, b""), (1, b"four"), (2, b"three\nfour"), (4, b"one\n\nthree\nfour"), (9, b"one\n\nthree\nfour")],
)
def test_the_last_lines(tmp_path, tail, expected):
    """A line that does not end counts as one."""
    assert expected == asyncio.run(collect(written(tmp_path, b"one\n\nthree\nfour"), tail=tail))


def test_the_last_lines_of_a_large_log(tmp_path):
    """The end is found however far back it begins."""
    log = written(tmp_path, *[b"x" * 999 + b"\n"] * 500)

    assert b"x" * 999 + b"\n" == asyncio.run(collect(log, tail=1))
    assert 300_000 == len(asyncio.run(collect(log, tail=300)))


def test_lines_since_a_time(tmp_path, monkeypatch):
    """Lines from before are left out."""
    clock = iter((1_000_000_000, 2_000_000_000, 3_000_000_000))
    monkeypatch.setattr("time.time_ns", lambda: next(clock))
    log = written(tmp_path, b"one\n", b"two\n", b"three\n")

    assert b"two\nthree\n" == asyncio.run(collect(log, since=parse_time("1970-01-01T00:00:02Z")))


def test_a_limit_of_bytes(tmp_path):
    """Reading ends in the middle of a line if need be."""
    assert b"one\ntw" == asyncio.run(collect(written(tmp_path, b"one\ntwo\n"), limit=6))


def test_following_ends_with_the_container(tmp_path):
    """Whoever follows gets whole lines as they come, and the end when the container has ended."""

    async def scene():
        log = Log(tmp_path / "log")
        log.feed(b"one\ntw")
        seen = []

        async def follow():
            with log.path.open("rb") as file:
                async for piece in read(log, file, Reading(follow=True)):
                    seen.append(piece)

        task = asyncio.create_task(follow())
        await asyncio.sleep(0.01)
        early = list(seen)
        log.feed(b"o\nthree")
        await asyncio.sleep(0.01)
        log.close()
        await asyncio.wait_for(task, 1)
        return early, seen

    assert ([b"one\n"], [b"one\n", b"two\n", b"three"]) == asyncio.run(scene())


def test_a_log_is_read_to_its_end_when_its_file_is_gone(tmp_path):
    """A pod may be deleted while somebody still reads."""

    async def scene():
        log = written(tmp_path, b"one\n")
        with log.path.open("rb") as file:
            log.path.unlink()
            return [piece async for piece in read(log, file, Reading(follow=True))]

    assert [b"one\n"] == asyncio.run(scene())


def test_the_end_of_a_log_for_a_message(tmp_path):
    """A failure's message quotes at most 80 lines and 2048 characters."""
    log = written(tmp_path, *[f"{number}\n".encode() for number in range(200)])

    assert "".join(f"{number}\n" for number in range(120, 200)) == last(log)
    assert 2048 == len(last(written(tmp_path, b"x" * 5000)))


def test_times_as_text_are_in_order():
    """Times are compared as text."""
    assert b"1970-01-01T00:00:01.000000005Z" == timestamp(1_000_000_005)
    assert b"2026-01-01T10:00:00.120000000Z" == parse_time("2026-01-01T12:00:00.12+02:00")
    assert b"2026-01-01T10:00:00.123456000Z" == parse_time("2026-01-01T10:00:00.123456789Z")


@pytest.mark.parametrize("text", ["yesterday", "2026-01-01T10:00:00"])
def test_a_time_that_is_none(text):
    """A time needs its zone."""
    with pytest.raises(ValueError, match=r"zone|isoformat"):
        parse_time(text)
