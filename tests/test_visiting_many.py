"""Many visits: in order, few at once to a host, connections used again, and an end at once when somebody asks."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from fixby.errors import UsageError
from fixby.headers.connection import Halt
from fixby.headers.fetching import Wish, visit, visit_all
from fixby.headers.response import Trouble, Visit
from tests.servers import Authority, Received, Reply, answer, dripping, manner, redirect, site


def slow(seconds: float, reply: bytes) -> Reply:
    def send(_: socket.socket, __: Received) -> bytes:
        time.sleep(seconds)
        return reply

    return send


def echo(_: socket.socket, received: Received) -> bytes:
    return answer(200, body=received.path.encode())


def test_visits_come_in_the_order_wished_for() -> None:
    with site({"*": echo}) as one, site({"*": slow(0.05, answer(404))}) as two:
        how = manner(one, two)
        wishes = [Wish(f"http://one.test:{one.port}/{n}", how) for n in range(20)]
        wishes += [Wish(f"http://two.test:{two.port}/{n}", how) for n in range(4)]
        wishes.insert(7, Wish("no URL at all", how))
        wishes.insert(8, Wish("http://[#x", how))
        told: list[Visit] = []
        found = visit_all(wishes, told.append)
    assert [one.url for one in found] == [wish.url for wish in wishes]
    assert [one.page.status if one.page else None for one in found] == [*[200] * 7, None, None, *[200] * 13, *[404] * 4]
    assert {one.page.body for one in found if one.page and one.page.body} == {f"/{n}".encode() for n in range(20)}
    assert sorted(map(id, told)) == sorted(map(id, found))
    assert visit_all([]) == []


def test_two_at_once_to_a_host_and_eight_in_all() -> None:
    most = 0
    now = 0
    lock = threading.Lock()

    def counted(_: socket.socket, __: Received) -> bytes:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        with lock:
            now -= 1
        return answer()

    with site({"*": counted}, host="127.0.0.2") as one, site({"*": counted}, host="127.0.0.3") as two:
        hosts = [f"h{n}.test" for n in range(10)]
        how = manner(one, two, resolve=dict.fromkeys(hosts, "127.0.0.2") | {"lone.test": "127.0.0.3"})
        visit_all([Wish(f"http://{name}:{one.port}/", how) for name in hosts for _ in range(3)])
        assert most == 8
        most = 0
        visit_all([Wish(f"http://lone.test:{two.port}/{n}", how) for n in range(8)])
    assert most == 2
    assert two.connections == 2


def test_no_more_than_two_at_once_to_where_everybody_is_redirected() -> None:
    start: dict[str, Reply] = {}
    with site({"*": slow(0.1, answer())}, host="127.0.0.2") as target, site(start) as one:
        start["/"] = redirect(f"http://login.test:{target.port}/")
        names = {f"h{n}.test": "127.0.0.1" for n in range(12)} | {"login.test": "127.0.0.2"}
        how = manner(one, target, resolve=names, seconds=0.5)
        found = visit_all([Wish(f"http://h{n}.test:{one.port}/", how) for n in range(12)])
    assert target.most_at_once == 2
    assert all(one.page for one in found), "waiting for a turn takes none of the time"


def test_connections_are_used_again(authority: Authority) -> None:
    with site({"*": echo}, authority.tls("one.test")) as one:
        how = manner(one, ca_file=authority.file)
        found = visit_all([Wish(f"https://one.test:{one.port}/{n}", how) for n in range(10)])
    assert all(one.page and one.page.tls and one.page.tls.names for one in found)
    assert one.connections <= 2


def test_a_connection_that_was_closed_meanwhile_is_made_again() -> None:
    def once(connection: socket.socket, received: Received) -> None:
        connection.sendall(echo(connection, received))

    with site({"*": once}) as one:
        found = visit_all([Wish(f"http://one.test:{one.port}/{n}", manner(one)) for n in range(6)])
    assert all(one.page for one in found)


def test_a_name_that_changes_its_address_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def changing(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - the standard library's
        asked.append(host)
        address = "127.0.0.2" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    with site({"/": answer()}) as one:
        found = visit(f"http://moving.test:{one.port}/", manner(one, allowed=(ip_network("127.0.0.2/32"),)))
    assert len(asked) == 2, "refused at first, asked again"
    assert found.failure
    assert found.failure.kind is Trouble.FORBIDDEN
    assert one.connections == 0


def test_a_name_server_that_does_not_answer_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleeping(*_: object, **__: object) -> list[object]:
        time.sleep(3)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", sleeping)
    started = time.monotonic()
    found = visit("http://slow.test/", manner(seconds=0.5))
    assert found.failure
    assert found.failure.kind is Trouble.TIME
    assert time.monotonic() - started < 1


@contextmanager
def proxy() -> Iterator[tuple[str, list[Received]]]:
    """A proxy that reaches 127.0.0.1 whatever it is asked for, and what it was asked."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while some := source.recv(65536):
                sink.sendall(some)
            sink.shutdown(socket.SHUT_WR)

    def forward(connection: socket.socket, received: Received) -> bytes | None:
        if "://" in received.path:
            return answer(200, "X-Via: proxy", body=received.path.encode())
        with socket.create_connection(("127.0.0.1", int(received.path.rpartition(":")[2]))) as onward:
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            back = threading.Thread(target=pump, args=(onward, connection), daemon=True)
            back.start()
            pump(connection, onward)
            back.join()
        return None

    with site({"*": forward}) as served:
        yield f"http://me:hush@127.0.0.1:{served.port}", served.requests


def test_through_a_proxy_names_are_checked_here_and_the_answer_says_so(authority: Authority) -> None:
    public = {"public.test": "93.184.215.14", "private.test": "10.0.0.1"}
    with proxy() as (address, asked), site({"/": answer()}, authority.tls("public.test")) as one:
        how = manner(one, allowed=(), resolve=public, proxy=address, ca_file=authority.file)
        secure = visit(f"https://public.test:{one.port}/", how).page
        plain = visit("http://public.test/a", how).page
        private = [visit(f"{scheme}://private.test/", how).failure for scheme in ("http", "https")]
    assert secure
    assert plain
    assert secure.address == plain.address == "93.184.215.14"
    assert secure.proxy == plain.proxy == address.replace("me:hush@", "")
    assert secure.tls
    assert plain.body == b"http://public.test/a"
    assert [failure.kind if failure else None for failure in private] == [Trouble.FORBIDDEN] * 2
    assert [request.path for request in asked] == [f"public.test:{one.port}", "http://public.test/a"]
    assert all(request.headers["proxy-authorization"] == "Basic bWU6aHVzaA==" for request in asked)
    assert "proxy-authorization" not in one.requests[0].headers


def test_a_proxy_that_is_none_is_refused() -> None:
    for wrong in ("socks5://127.0.0.1:1", "127.0.0.1:3128", "http://"):
        with pytest.raises(UsageError):
            manner(proxy=wrong)
    found = visit("http://one.test/", manner(proxy="http://127.0.0.1:9", seconds=3))
    assert found.failure
    assert found.failure.kind is Trouble.REFUSED
    assert "proxy" in found.failure.reason


def test_what_goes_wrong_in_a_thread_is_heard_and_ends_the_others() -> None:
    def fail(found: Visit) -> None:
        raise ZeroDivisionError(found.url)

    with site({"/": answer(), "/slow": dripping(b"", b"H")}) as one:
        places = (f"two.test:{one.port}/slow", f"one.test:{one.port}/")
        wishes = [Wish(f"http://{place}", manner(one)) for place in places]
        started = time.monotonic()
        with pytest.raises(ZeroDivisionError):
            visit_all(wishes, fail)
    assert time.monotonic() - started < 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("visits")]


DRIVER = """
import os, signal, sys, threading
from ipaddress import ip_network
from fixby.errors import Interrupted
from fixby.headers.fetching import Wish, visit_all
from fixby.headers.manner import Manner
def files():
    return sum(os.path.exists(f"/proc/self/fd/{number}") for number in range(100))
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: None)  # what comes after the end is no matter here
urls = sys.argv[1:]
ports = frozenset(int(url.split(":")[2].split("/")[0]) for url in urls)
how = Manner(allowed=(ip_network("127.0.0.0/8"),), ports=ports, seconds=60)
before = files()
try:
    visit_all([Wish(url, how) for url in urls])
except Interrupted as interrupted:
    left = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    print(left, files() == before, flush=True)
    os._exit(interrupted.exit_code)  # Python's own ending restores the signals first
"""


@pytest.mark.parametrize(
    "signals", [[signal.SIGINT], [signal.SIGINT, signal.SIGTERM, signal.SIGINT]], ids=["once", "again"]
)
def test_ctrl_c_ends_all_visits_at_once_and_leaves_nothing_open(tmp_path: Path, signals: list[signal.Signals]) -> None:
    (tmp_path / "driver.py").write_text(DRIVER)
    replies: dict[str, Reply] = {
        "/headers": dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        "/body": dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        "/nothing": dripping(b"", b"", 30),
        "/later": answer(503, "Retry-After: 50"),
    }
    with ExitStack() as stack:
        sites = [stack.enter_context(site(replies, host=f"127.0.0.{n}")) for n in range(1, 6)]
        places = [f"127.0.0.{n}:{one.port}" for n, one in enumerate(sites, start=1)]
        urls = [f"http://{place}{path}" for place, path in zip(places, replies, strict=False)]
        urls += [f"https://{places[4]}/", *[f"http://{places[0]}/body"] * 4]
        driver = subprocess.Popen([sys.executable, tmp_path / "driver.py", *urls], stdout=subprocess.PIPE, text=True)
        until(lambda: all(one.connections for one in sites) and sites[0].connections == 2)
        started = time.monotonic()
        for number in signals:
            os.kill(driver.pid, number)
        output, _ = driver.communicate(timeout=10)
    assert time.monotonic() - started < 1
    assert (driver.returncode, output) == (130, "[] True\n")


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_signal_that_comes_while_another_is_heeded_waits_for_nothing() -> None:
    halt = Halt()
    condition: Any = vars(halt._event)["_cond"]  # the moment at which an event is being set
    notify = condition.notify_all

    def notify_after_another() -> None:
        halt.call()
        notify()

    condition.notify_all = notify_after_another
    calling = threading.Thread(target=halt.call, daemon=True)
    calling.start()
    calling.join(5)
    assert not calling.is_alive()
