"""What visiting and judging sites costs, compared with the same GETs by a pool of threads with requests.

    python benchmarks/headers.py [--tls] [--rounds COUNT]

200 URLs on 50 hosts of the loopback interface, served by another process. Both sides have eight threads and keep
connections; requests alone checks no addresses, has no deadline, and limits nothing. `visits` are Fixby's; a `survey`
asks for each page under https twice and judges it, and is compared with twice the GETs. Prints the least time of each
over the rounds, which alternate, and their ratios.
"""

import argparse
import multiprocessing
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_network
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
import trustme
from requests.adapters import HTTPAdapter

from fixby.headers.expectations import Expectations
from fixby.headers.fetching import MOST_AT_ONCE, Wish, visit_all
from fixby.headers.manner import Manner, origin
from fixby.headers.sites import Site, SitePage
from fixby.headers.survey import survey

HOSTS = [f"127.0.0.{n}" for n in range(2, 52)]
URLS_PER_HOST = 4
BODY = b"<!doctype html><title>page</title>" + b"<p>text</p>" * 900
HEAD = (
    "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/html\r\nStrict-Transport-Security: max-age=31536000\r\n"
    "Content-Security-Policy: default-src 'self'; object-src 'none'\r\nX-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\nSet-Cookie: a=1; Path=/; HttpOnly\r\nSet-Cookie: b=2; Path=/; HttpOnly\r\n"
)
REPLY = f"{HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(Path(folder, "ca.pem")))
        authority.issue_cert(*HOSTS).private_key_and_cert_chain_pem.write_to_path(str(Path(folder, "site.pem")))
        told, tell = multiprocessing.Pipe(duplex=False)
        server = multiprocessing.Process(target=serve, args=(tell, Path(folder, "site.pem") if given.tls else None))
        server.start()
        try:
            port = told.recv()
            scheme = "https" if given.tls else "http"
            urls = [f"{scheme}://{host}:{port}/{n}" for n in range(URLS_PER_HOST) for host in HOSTS]
            compare(urls, Path(folder, "ca.pem"), port, given.rounds)
        finally:
            server.kill()
            server.join()


def compare(urls: Sequence[str], authority: Path, port: int, rounds: int) -> None:
    """Run both sides by turns, and print the least time of each."""
    twice = [*urls, *urls] if urls[0].startswith("https:") else urls
    sides = {
        "requests": lambda: plainly(urls, authority),
        "visits": lambda: carefully(urls, authority, port),
        "requests for the survey": lambda: plainly(twice, authority) * len(urls) // len(twice),
        "survey": lambda: surveyed(urls, authority, port),
    }
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name].append(timed(side, len(urls)))
    least = {name: min(times) for name, times in taken.items()}
    for name, seconds in least.items():
        print(f"{name:<24} {seconds * 1000:7.0f} ms   {len(urls) / seconds:6.0f} URLs a second")
    print(f"{'ratio of visits':<24} {least['visits'] / least['requests']:7.2f}")
    print(f"{'ratio of the survey':<24} {least['survey'] / least['requests for the survey']:7.2f}")


def timed(side: Callable[[], int], expected: int) -> float:
    """The seconds that one side takes; it must have fetched all."""
    started = time.perf_counter()
    assert side() == expected  # noqa: S101 - a benchmark of failures is none
    return time.perf_counter() - started


def plainly(urls: Sequence[str], authority: Path) -> int:
    """The GETs with requests alone: how many bodies came whole."""
    with requests.Session() as session, ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        session.trust_env = False
        session.verify = str(authority)
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_connections=len(HOSTS), pool_maxsize=MOST_AT_ONCE))
        found = threads.map(lambda url: session.get(url, timeout=30).content, urls)
        return sum(body == BODY for body in found)


def carefully(urls: Sequence[str], authority: Path, port: int) -> int:
    """The same with Fixby."""
    how = Manner(allowed=(ip_network("127.0.0.0/8"),), ports=frozenset({port}), ca_file=authority)
    found = visit_all([Wish(url, how) for url in urls])
    return sum(bool(one.page) and one.answers[-1].body == BODY for one in found)


def surveyed(urls: Sequence[str], authority: Path, port: int) -> int:
    """Each host a site of some pages, visited and judged: how many pages there is a verdict on."""
    how = Manner(allowed=(ip_network("127.0.0.0/8"),), ports=frozenset({port}), ca_file=authority)
    sites: dict[str, list[SitePage]] = {}
    for url in urls:
        sites.setdefault(origin(url), []).append(SitePage(url, Expectations()))
    found = survey([Site(where, tuple(pages), how, probes=False) for where, pages in sites.items()], int(time.time()))
    return sum(one.page is not None and not one.reasons for one in found)


def serve(tell: Connection, certificate: Path | None) -> None:
    """Answer every request on all addresses of the loopback interface, until killed."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    first = socket.create_server((HOSTS[0], 0), backlog=256)
    port = first.getsockname()[1]
    listeners = [first, *(socket.create_server((host, port), backlog=256) for host in HOSTS[1:])]
    for listener in listeners:
        threading.Thread(target=accept, args=(listener, context), daemon=True).start()
    tell.send(port)
    threading.Event().wait()


def accept(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    """Give each connection a thread."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=attend, args=(connection, context), daemon=True).start()


def attend(connection: socket.socket, context: ssl.SSLContext | None) -> None:
    """Answer whatever comes by one connection."""
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = context.wrap_socket(connection, server_side=True) if context else connection
        while connection.recv(65536):
            connection.sendall(REPLY)


if __name__ == "__main__":
    main()
