"""`fixby github`: a step of GitHub's runner, as `action.yml` describes it.

Where findings are kept, on the default branch, all is scanned and recorded. A change is compared with its base, and
judged by what that says. On other branches and tags all is scanned, and nothing is kept.
"""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp

from fixby.cli import diff, github_settings, github_telling, headers, headers_shown, sarif, sla, state
from fixby.cli import gate as gating
from fixby.cli import place as here
from fixby.cli import scan as scanning
from fixby.cli.configuration import Configuration
from fixby.cli.github_event import Event, event
from fixby.cli.github_inputs import FailOn, Inputs, inputs
from fixby.cli.github_telling import Done
from fixby.cli.output import note
from fixby.cli.ownership import owned_now
from fixby.cli.place import Place
from fixby.cli.scan import Result
from fixby.cli.written import write
from fixby.errors import ExitCode, FetchError, FixbyError, StoreError, UsageError
from fixby.policies.gate import Judgement, Verdict, together
from fixby.query import Term
from fixby.reports.github import Told
from fixby.reports.plain import safe
from fixby.reports.sarif import CODE_SCANNING, log
from fixby.scan import Complete
from fixby.scanners import revision
from fixby.store import queries
from fixby.store.database import Database
from fixby.store.following import take_over
from fixby.store.opening import open_for_writing, secret_key


def run() -> ExitCode:
    """Scan, tell everybody, and write the step's outputs; the gate's exit code is one of them, for a later step.

    Nothing that is printed meanwhile is a command to the runner.
    """
    with github_telling.commands_stopped():
        done, about = Done(Told("", Judgement(Verdict.UNKNOWN, (), here.now()), here.now())), None
        try:
            about = event(os.environ)
            wanted = inputs(os.environ)
            done = replace(done, wanted=wanted)
            os.environ.update(wanted.settings)
            folder = Path(mkdtemp(prefix="fixby-", dir=os.environ.get("RUNNER_TEMP")))
            done = _change(wanted, about, folder) if about.base else _whole(wanted, about, folder)
        except FixbyError as error:
            note(f"fixby: {safe(error.message)}\n       {safe(error.hint)}")
            problem = f"{error.message} {error.hint}".strip()
            done = replace(done, told=replace(done.told, problem=problem), code=error.exit_code)
    github_telling.tell(done, about, os.environ)
    return ExitCode.DONE


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where the findings are kept, whether on a branch of the repository, and what is to be said of it."""

    place: Place
    on_branch: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asset:
    """What is scanned whole: the configuration that names it, whether it is an image, and what runs its scanners."""

    found: Configuration
    is_image: bool
    look: Callable[[bytes], list[Result]]


def _whole(wanted: Inputs, about: Event, folder: Path) -> Done:
    kept = _store(wanted, about, folder)
    assets = _assets(wanted, kept.place)
    names = tuple(one.found.asset.name for one in assets)
    before = _before(assets)
    visited = _visit(wanted, kept.place)
    results = [result for one in assets for result in _recorded(one, kept.place)]
    problem = _push(wanted, about, kept)
    report = folder / "report.html"
    ours = shlex.quote(f"asset:{','.join(names)}")
    sla.run_report(sla.Wish((ours,), by="asset,severity", format=sla.Format.HTML, output=report), kept.place)
    with here.reading(kept.place) as (database, found):
        now = here.now()
        written = _sarif(database, names, now, folder)
        judgement = together({one.found.asset.name: gating.judged(database, one.found)[0] for one in assets})
        after = _present(database, names)
        told = Told(
            asset=found.asset.name,
            judgement=judgement,
            now=now,
            new=queries.with_ids(database, after - before, now),
            open=queries.findings(database, (Term("asset", names), Term("is", ("open",))), now),
            fixed=len(before - after),
            unchecked=_unchecked(results),
            notes=kept.notes,
            problem=problem,
            image=next((one.found.asset.name for one in assets if one.is_image), ""),
        )
    missed = not visited or bool(problem) or scanning.coverage_code(results) is not ExitCode.DONE
    code = _code(judgement, wanted.fail_on, missed=missed)
    return Done(told, code, wanted, written, report, _above(found.root))


def _assets(wanted: Inputs, place: Place) -> list[_Asset]:
    """The checkout, and the image if there is one. What is wrong with either is told before anything is scanned."""
    wish = _wish(wanted, place)
    checkout = _asset(wish)
    if not wanted.image:
        return [checkout]
    image = _asset(replace(wish, image=wanted.image))
    if image.found.asset.name == checkout.found.asset.name:
        hint = "Tag the image with a name of its own, as a registry has it: ghcr.io/owner/name:tag."
        raise UsageError(f"The image and the checkout are both called {image.found.asset.name!r}.", hint)
    return [checkout, image]


def _asset(wish: scanning.Wish) -> _Asset:
    name, image = scanning.named(wish)
    found = wish.place.configuration(name)
    return _Asset(found, image is not None, scanning.looking(wish, found, image=image))


def _before(assets: Sequence[_Asset]) -> set[str]:
    """The ids of what is there of the assets before they are scanned; makes the store, where there is none."""
    with here.writing(assets[0].found) as database:
        return _present(database, [one.found.asset.name for one in assets])


def _present(database: Database, assets: Iterable[str]) -> set[str]:
    return set(queries.matching(database, (Term("asset", tuple(assets)), _NOT_CLOSED), here.now()))


_NOT_CLOSED = Term("is", ("fixed", "withdrawn"), negated=True)


def _recorded(one: _Asset, place: Place) -> list[Result]:
    found = one.found
    with here.writing(found) as database:
        asset = found.asset if one.is_image else owned_now(found.asset, found.root)
        results = scanning.record_all(database, found, asset, one.look(secret_key(database)))
        with here.only_valid(database, found):
            judgement, _ = gating.judged(database, found)
            scanning.show_stored(database, found, results, judgement, place)
    return results


def _sarif(database: Database, assets: Iterable[str], now: int, folder: Path) -> Path:
    """Write down what is there of some assets, each scanner of each in a run of its own; the file."""
    file, runs = folder / "fixby.sarif", []
    for asset in assets:
        present = queries.findings(database, (Term("asset", (asset,)), _NOT_CLOSED), now)
        runs += sarif.runs(asset, present, queries.latest_scans(database, asset), ())
    made = log(runs, version("fixby"), CODE_SCANNING)
    for sentence in made.left_out:
        note(f"fixby: {safe(sentence)}")
    write(file, f"{made.text}\n")
    return file


def _change(wanted: Inputs, about: Event, folder: Path) -> Done:
    kept = _store(wanted, about, folder)
    base = _base(wanted.folder, about)
    notes = (*kept.notes, *github_settings.take_from_base(wanted.folder, base, folder / "base", os.environ))
    with diff.compared(_wish(wanted, kept.place), base) as comparison:
        diff.show_comparison(comparison)
        now, difference, scratch = here.now(), comparison.difference, comparison.scratch
        asset = comparison.both.before.found.asset.name
        written = _sarif(scratch, (asset,), now, folder)
        changed = (
            f"{path} is {change}: it says how to judge, and counts from when it is merged."
            for path, change in comparison.changed.items()
        )
        doubts = [f"{scanner}: {doubt}" for scanner, some in difference.doubts.items() for doubt in some]
        told = Told(
            asset=asset,
            judgement=comparison.judgement,
            now=now,
            compared=diff.base_named(comparison),
            new=queries.with_ids(scratch, difference.added, now),
            fixed=len(difference.fixed),
            remarks=dict.fromkeys(difference.uncertain, "may have been there before")
            | {id_: str(state) for id_, state in difference.decided.items()},
            unchecked=[*doubts, *(f"{path}: {why}" for path, why in comparison.both.unknown.items())],
            notes=(*notes, *changed, *_not_compared(wanted)),
        )
    missed = bool(difference.doubts)
    code = _code(comparison.judgement, wanted.fail_on, missed=missed)
    return Done(told, code, wanted, written, folder=_above(comparison.both.now.found.root))


def _not_compared(wanted: Inputs) -> Iterator[str]:
    """What was asked for and has nothing to be compared with."""
    if wanted.image:
        yield f"The image {wanted.image} is not looked at here: it is once the change is merged."
    if wanted.urls:
        yield "No URL is visited here: they are once the change is merged."


def _wish(wanted: Inputs, place: Place) -> scanning.Wish:
    return scanning.Wish(
        place=place,
        kinds=(),
        scanners=wanted.scanners,
        advisories=None,
        rules=(),
        resolve=False,
        licences=False,
        database_age=None,
        timeout="30m",
        keep=True,
        gate=False,
    )


def _store(wanted: Inputs, about: Event, folder: Path) -> _Kept:
    """The store: the caller's, or a new one that takes over what is on the branch, or in the caller's.

    Raises `StoreError` where the branch is gone, but for a change: what was decided of it is not known then.
    """
    place = Place(wanted.folder, str(folder / "fixby.db"))
    if wanted.store and (about.is_main or about.base):
        return _Kept(Place(wanted.folder), on_branch=False)
    if wanted.store:
        _copy(Place(wanted.folder), place)
        return _Kept(place, on_branch=False, notes=(_NOT_KEPT,))
    asked = state.Wish(place, branch=wanted.state_branch)
    try:
        state.pull(asked, as_json=False)
    except state.MissingState as error:
        if about.base:
            return _Kept(place, on_branch=True, notes=("There is no state yet: all that a change adds counts.",))
        if not (wanted.initialise and about.is_main):
            raise StoreError(error.message, _BEGIN) from error
        state.init(asked, open_key=not os.environ.get("FIXBY_STORE_KEY"), as_json=False)
        return _Kept(place, on_branch=True, notes=("The state was begun: all clocks start now.",))
    except StoreError as error:
        if not about.is_foreign:
            raise
        return _Kept(place, on_branch=True, notes=(f"Decisions are not known here: {error.message}",))
    return _Kept(place, on_branch=True, notes=() if about.base or about.is_main else (_NOT_KEPT,))


def _copy(whole: Place, fresh: Place) -> None:
    """Make a new store what another is. Raises `StoreError` where that is not there."""
    with here.reading_all(whole) as (database, _), closing(open_for_writing(str(fresh.store))) as new:
        take_over(new, database)


_NOT_KEPT = "Nothing of this run is kept: it is not of the default branch."
_BEGIN = "To begin it, on the default branch: run the workflow once with the input initialise: true."


def _push(wanted: Inputs, about: Event, kept: _Kept) -> str:
    """Keep what was recorded; why that failed, or nothing."""
    if not (kept.on_branch and about.is_main):
        return ""
    try:
        state.push(state.Wish(kept.place, branch=wanted.state_branch), as_json=False)
    except StoreError as error:
        note(f"fixby: {safe(error.message)}\n       {safe(error.hint)}")
        return f"Nothing of this run is kept: {error.message} {error.hint}"
    return ""


def _visit(wanted: Inputs, place: Place) -> bool:
    """Verify the headers of the URLs, if there are any; whether all could be judged."""
    named = tuple(url for url in wanted.urls if url != _SITES)
    asked = ([named] if named else []) + ([()] if _SITES in wanted.urls else [])
    wishes = (headers.Wish(place, urls, (), (), None, 30, http2=False, keep=True, gate=False) for urls in asked)
    shape = headers_shown.shape("terminal", "", with_passes=False, with_policy=False)
    codes = [headers.run(wish, shape) for wish in wishes]
    return ExitCode.CANNOT_TELL not in codes


_SITES = "sites"
"""Stands among the URLs for those that the configuration names."""


def _base(folder: Path, about: Event) -> str:
    """The commit that a change is compared with.

    GitHub checks out the change as it would be merged: what it is merged into is the first parent. Where the workflow
    checked out something else, it is the base that the event names. Raises `FetchError` where the checkout has neither.
    """
    top = revision.top_of(folder)
    if top is None:
        raise UsageError("There is no checkout.", "Let actions/checkout come first.")
    present, parent = revision.base(top, "HEAD"), revision.base(top, "HEAD^1")
    if present and parent and present.commit == about.commit:
        return parent.commit
    if revision.base(top, about.base) is None:
        hint = "Let it fetch more: fetch-depth: 2, or 0 for all, under with: of actions/checkout."
        raise FetchError(f"The checkout does not have {about.base[:10]}, the base of this change.", hint)
    return about.base


def _above(root: Path) -> str:
    """Where the paths of findings begin, from the top of the checkout: empty, or a folder and `/`."""
    top = Path(os.environ.get("GITHUB_WORKSPACE", "")).resolve()
    root = root.resolve()
    return f"{root.relative_to(top).as_posix()}/" if root != top and root.is_relative_to(top) else ""


def _unchecked(results: Sequence[Result]) -> list[str]:
    scans = [result.scan for result in results if not isinstance(result.scan.outcome, Complete)]
    return [f"{scan.scanner}: {reason}" for scan in scans for reason in scan.reasons]


def _code(judgement: Judgement, fail_on: FailOn, *, missed: bool) -> ExitCode:
    """What the job ends with: the gate's verdict counts where it was asked, what nobody looked at always."""
    unknown = missed or any(rule.verdict is Verdict.UNKNOWN for rule in judgement.rules)
    if fail_on is FailOn.GATE and judgement.exit_code:
        return judgement.exit_code
    return ExitCode.CANNOT_TELL if unknown else ExitCode.DONE
