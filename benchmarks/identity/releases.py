"""Real history to replay: the releases of a project as its package index has them, or the commits of a repository.

Nothing of what is fetched is ever run: archives are unpacked, not built. Pip asks the index that it is configured for.
What was fetched once is taken from the cache, the list of releases as well: a measurement can be repeated exactly.
"""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

from pip._internal.commands import create_command
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.link import Link
from pip._internal.network.session import PipSession

if TYPE_CHECKING:
    from pip._internal.commands.download import DownloadCommand


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a project, unpacked: `digest` is the SHA-256 of its archive, or the name of its commit."""

    project: str
    name: str
    digest: str
    folder: Path


def releases(project: str, last: int, cache: Path) -> list[Version]:
    """The `last` final releases of a project that have a source archive, in order of version.

    Raises `OSError` and pip's errors where the index cannot be reached, and `ValueError` for a damaged archive.
    """
    listed = cache / "releases" / f"{project}-{last}.json"
    if not listed.exists():
        listed.parent.mkdir(parents=True, exist_ok=True)
        listed.write_text(json.dumps(_fetched(project, last, cache), indent=1))
    return [
        Version(project, name, digest, _folder(cache, project, name, digest))
        for name, digest in json.loads(listed.read_text())
    ]


def commits(repo: Path, last: int, cache: Path) -> list[Version]:
    """The `last` commits of a repository's history along first parents, oldest first. Raises `CalledProcessError`."""
    names = _git(repo, "rev-list", "--first-parent", f"--max-count={last}", "HEAD").decode().split()[::-1]
    project = repo.resolve().name
    for name in names:
        if not _folder(cache, project, name[:12], name).exists():
            archive = _git(repo, "archive", "--format=tar", "--prefix=top/", name)
            _unpack(archive, _folder(cache, project, name[:12], name))
    return [Version(project, name[:12], name, _folder(cache, project, name[:12], name)) for name in names]


def _folder(cache: Path, project: str, name: str, digest: str) -> Path:
    return cache / "sources" / project / f"{name}-{digest[:12]}"


def _fetched(project: str, last: int, cache: Path) -> list[tuple[str, str]]:
    with _index() as (session, finder):
        archives = {
            candidate.version: candidate.link
            for candidate in finder.find_all_candidates(project)
            if candidate.link.filename.endswith(".tar.gz")
            and not (candidate.version.is_prerelease or candidate.link.is_yanked)
        }
        fetched = [(str(version), archives[version]) for version in sorted(archives)[-last:]]
        for name, link in fetched:
            folder = _folder(cache, project, name, _digest(link))
            if not folder.exists():
                _unpack(_downloaded(session, link), folder)
    return [(name, _digest(link)) for name, link in fetched]


def _digest(link: Link) -> str:
    if link.hash_name != "sha256" or not link.hash:
        raise ValueError(f"The index has no SHA-256 of {link.filename}.")
    return link.hash


def _downloaded(session: PipSession, link: Link) -> bytes:
    response = session.get(link.url_without_fragment)
    response.raise_for_status()
    content = response.content
    if sha256(content).hexdigest() != _digest(link):
        raise ValueError(f"{link.filename} is not what the index says.")
    return content


@contextmanager
def _index() -> Iterator[tuple[PipSession, PackageFinder]]:
    """Pip's own way to the index, with all that is configured for it."""
    command = cast("DownloadCommand", create_command("download"))
    options, _ = command.parse_args(["--quiet"])
    with command.main_context():
        session = command.get_default_session(options)
        yield session, command._build_package_finder(options, session)  # noqa: SLF001 - pip has no public one


def _unpack(archive: bytes, folder: Path) -> None:
    """The contents of an archive's one folder. What would end up outside of it is left out."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as name, tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(name, filter=_inside)  # noqa: S202 - that is what the filter is for
        [top] = Path(name).iterdir()
        top.rename(folder)


def _inside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    try:
        return tarfile.data_filter(member, folder)
    except tarfile.FilterError:
        return None


def _git(repo: Path, *arguments: str) -> bytes:
    return subprocess.run(("git", "-C", str(repo), *arguments), check=True, stdout=subprocess.PIPE).stdout
