"""The `fixby` command: its arguments, its help, and the one place that turns errors into text and an exit code."""

import gc
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from fixby.cli.output import emit, note, open_streams
from fixby.cli.place import Place
from fixby.errors import ExitCode, FixbyError, Interrupted
from fixby.reports.plain import safe

app = typer.Typer(
    name="fixby",
    help="Every finding has a fix-by date: run security scanners, track what they find, gate releases.",
    epilog="Exit codes: 0 done, 1 the gate failed, 2 wrong usage or configuration, 3 cannot tell, 4 internal error.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="Upkeep of the store.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(db, name="db")
export = typer.Typer(help="Exports for other systems and for auditors.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(export, name="export")
decided = typer.Typer(help="What people decided, as a file that is reviewed.", no_args_is_help=True)
app.add_typer(decided, name="decisions")
sla = typer.Typer(help="How promises are kept, and why a due date is what it is.", no_args_is_help=True)
app.add_typer(sla, name="sla")
advisory = typer.Typer(help="Advisories that lie on this machine.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(advisory, name="advisories")
policy = typer.Typer(
    help="The policy: what is in force, and whether a file is right.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(policy, name="policy")

state = typer.Typer(help="The store's log on a branch of the repository, without a server.", no_args_is_help=True)
app.add_typer(state, name="state")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Config = Annotated[Path | None, typer.Option("--config", help="A configuration to use instead of the target's own.")]
Store = Annotated[str | None, typer.Option("--store", help="The store: a file's path or a postgresql:// URL.")]
Target = Annotated[Path, typer.Argument(help="The folder to scan.")]
Folder = Annotated[Path, typer.Option("--path", help="The folder whose configuration and store are meant.")]


def _completed(incomplete: str) -> list[str]:
    from fixby.cli.completion import completed

    return completed(incomplete, os.environ)


AssetName = Annotated[str, typer.Option("--asset", help="The asset that it is about, if not the configured one.")]

Query = Annotated[
    list[str] | None,
    typer.Argument(help="Qualifiers, such as is:open severity:critical,high.", autocompletion=_completed),
]
Tool = Annotated[str | None, typer.Option("--scanner", help="The tool that wrote the reports, if not to be found out.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The beginning of a finding's id.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID...", help="The beginnings of findings' ids.")]
Selected = Annotated[
    str | None,
    typer.Option("--query", help="Decide of all findings that a query selects, not of ids.", autocompletion=_completed),
]
Yes = Annotated[bool, typer.Option("--yes", help="Decide of what the query selects without being asked.")]
Sign = Annotated[
    Path | None, typer.Option("--sign", help="Sign it with this SSH key, or with ssh-agent where it is a public one.")
]
Statement = Annotated[bool, typer.Option("--statement", help="Print what is to be signed, and decide nothing.")]
Signed = Annotated[
    Path | None, typer.Option("--signed", help="A statement that was signed; its signature lies beside it in FILE.sig.")
]
Reason = Annotated[str, typer.Option(help="Why.")]
AsOf = Annotated[str, typer.Option("--as-of", help="Tell what was so then: a date or an instant, in UTC.")]
Remote = Annotated[str, typer.Option("--remote", help="The repository: a URL or a path.")]
StateBranch = Annotated[str, typer.Option("--branch", help="The branch, if not fixby-state.")]
Expect = Annotated[str, typer.Option(metavar="SEQ:HASH", help="A snapshot that has to be on the branch.")]
Policies = Annotated[list[Path], typer.Argument(help="Policy files.")]
Reports = Annotated[list[Path], typer.Argument(help="Reports to read; - for standard input.")]


def print_version(wanted: bool) -> None:  # noqa: FBT001 - what an option is called with
    """Print the version and end, if that is wanted."""
    if wanted:
        from importlib.metadata import version

        emit(f"fixby {version('fixby')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", help="Print the version.", callback=print_version, is_eager=True)]


@app.callback()
def options(
    context: typer.Context,
    *,
    version: Version = False,  # noqa: ARG001 - its callback acts
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program an error came from.")] = False,
) -> None:
    """What every command can be told before its name."""
    if debug:
        context.call_on_close(_trace)


@app.command()
def init(path: Target = Path(), *, json: Json = False) -> None:
    """Write a commented fixby.toml and make the store."""
    from fixby.cli import initialise

    initialise.run(path, as_json=json)


@app.command()
def scan(  # noqa: PLR0913 - the options of the main command
    path: Target = Path(),
    *,
    only: Annotated[str, typer.Option(help="Kinds of scanners to run: sast,sca,secret,container.")] = "",
    scanner: Annotated[list[str] | None, typer.Option(help="A scanner to run; may be given several times.")] = None,
    advisories: Annotated[Path | None, typer.Option(help="OSV records, a folder or zip, to use offline.")] = None,
    rules: Annotated[list[Path] | None, typer.Option(help="More Semgrep rules, a file or folder.")] = None,
    resolve: Annotated[
        bool, typer.Option("--resolve", help="Let pip resolve dependencies: this may run the target's build code.")
    ] = False,
    licences: Annotated[bool, typer.Option("--licences", help="Let Trivy judge licences of packages too.")] = False,
    database_age: Annotated[str | None, typer.Option(help="How old Trivy's and Grype's databases may be: 5d.")] = None,
    timeout: Annotated[str, typer.Option(help="The longest that one process of a scanner may take.")] = "30m",
    image: Annotated[
        str, typer.Option(help="An image to scan, and no files: an archive, a layout, a root folder, or a reference.")
    ] = "",
    asset: AssetName = "",
    diff: Annotated[
        str, typer.Option(metavar="BASE", help="Show what is added to a revision or a folder, and store nothing.")
    ] = "",
    staged: Annotated[
        bool, typer.Option("--staged", help="Judge what the next commit adds, as a hook does, and store nothing.")
    ] = False,
    no_store: Annotated[bool, typer.Option("--no-store", help="Store nothing.")] = False,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 if the gate fails, 3 if it cannot tell.")] = False,
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Run the scanners that fit, store what they find, show what is due."""
    from fixby.cli import scan

    wish = scan.Wish(
        place=Place(path, store, config),
        kinds=tuple(filter(None, only.split(","))),
        scanners=tuple(scanner or ()),
        advisories=advisories,
        rules=tuple(rules or ()),
        resolve=resolve,
        licences=licences,
        database_age=database_age,
        timeout=timeout,
        keep=not no_store,
        gate=gate,
        image=image,
        asset=asset,
    )
    if staged:
        from fixby.cli import staged as hook

        raise typer.Exit(hook.run(wish, diff, as_json=json))
    if diff:
        from fixby.cli import diff as comparison

        raise typer.Exit(comparison.run(wish, diff, as_json=json))
    raise typer.Exit(scan.run(wish, as_json=json))


@app.command()
def ingest(  # noqa: PLR0913 - where and how, as every command
    reports: Reports,
    *,
    scanner: Tool = None,
    asset: AssetName = "",
    triage: Annotated[
        bool, typer.Option("--triage", help="Dismiss what GitHub's alerts say people dismissed, in their names.")
    ] = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Store what reports say that scanners wrote elsewhere."""
    from fixby.cli import reports as reading

    raise typer.Exit(reading.ingest(reports, scanner, Place(path, store, config), asset, triage=triage, as_json=json))


@app.command()
def parse(
    reports: Reports,
    *,
    scanner: Tool = None,
    format_: Annotated[str, typer.Option("--format", help="terminal, json or sarif.")] = "terminal",
    json: Json = False,
) -> None:
    """Read reports and print what they say; nothing is stored."""
    from fixby.cli import reports as reading
    from fixby.cli.choice import choice

    raise typer.Exit(reading.parse(reports, scanner, choice("--format", "json" if json else format_, reading.Format)))


@app.command()
def headers(  # noqa: PLR0913 - where and how, as every command
    urls: Annotated[
        list[str] | None,
        typer.Argument(metavar="[URL]...", help="URLs, or csp and policies; none: those configured."),
    ] = None,
    *,
    saved: Annotated[list[Path] | None, typer.Option("--from", help="Judge a saved response: curl -si, HAR.")] = None,
    allow_private: Annotated[list[str] | None, typer.Option(help="A network that may be visited: 10.0.0.0/8.")] = None,
    resolve: Annotated[list[str] | None, typer.Option(help="Visit a host at this address: HOST=ADDRESS.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Authorities to trust besides the usual ones.")] = None,
    deadline: Annotated[float, typer.Option(help="The longest that a visit may take, in seconds.", min=0.1)] = 30,
    http2: Annotated[bool, typer.Option("--http2", help="Offer HTTP/2 under https; it needs fixby[http2].")] = False,
    no_store: Annotated[bool, typer.Option("--no-store", help="Store nothing.")] = False,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 if the gate fails, 3 if it cannot tell.")] = False,
    format_: Annotated[str, typer.Option("--format", help="terminal, json, markdown or sarif.")] = "terminal",
    mend: Annotated[
        str, typer.Option(help="Print the lines for nginx, apache, caddy, nextjs, helmet, cloudflare.")
    ] = "",
    all_: Annotated[bool, typer.Option("--all", help="Show the checks that passed, too.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Explain the CSP, and what it lets happen.")] = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Verify HTTPS, HSTS, CSP and the rest on live URLs; --from judges saved responses; csp POLICY... only policies."""
    from fixby.cli import headers_shown

    shape = headers_shown.shape("json" if json else format_, mend, with_passes=all_, with_policy=explain)
    if urls and urls[0] == "csp":
        raise typer.Exit(headers_shown.run_workbench(urls[1:], as_json=json))
    if saved:
        from fixby.cli import saved_responses

        raise typer.Exit(saved_responses.run(saved, urls or [], shape))
    from fixby.cli import headers

    wish = headers.Wish(
        place=Place(path, store, config),
        urls=tuple(urls or ()),
        allow_private=tuple(allow_private or ()),
        resolve=tuple(resolve or ()),
        ca_file=ca_file,
        deadline=deadline,
        http2=http2,
        keep=not no_store,
        gate=gate,
    )
    raise typer.Exit(headers.run(wish, shape))


@app.command("list", context_settings={"ignore_unknown_options": True})  # such as the qualifier -path:tests/**
def list_(  # noqa: PLR0913 - where and how, as every command
    query: Query = None,
    *,
    limit: Annotated[int | None, typer.Option(help="Show no more than this many.", min=1)] = None,
    fields: Annotated[str | None, typer.Option(help="Show these, such as id,severity,due_at,path.")] = None,
    format_: Annotated[str, typer.Option("--format", help="terminal, json or csv.")] = "terminal",
    as_of: AsOf = "",
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """List the open findings, or those that a query selects."""
    from fixby.cli import findings
    from fixby.cli.choice import choice

    chosen = choice("--format", "json" if json else format_, findings.Format)
    wish = findings.Wish(query or ["is:open"], limit, as_of, fields, chosen)
    findings.run_list(wish, Place(path, store, config))


@app.command()
def show(  # noqa: PLR0913 - where and how, as every command
    id_: Id,
    *,
    blame: Annotated[bool, typer.Option("--blame", help="Ask git who wrote the line, and when.")] = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show one finding: where, what to do, when it is due, its history."""
    from fixby.cli import findings

    findings.run_show(id_, Place(path, store, config), blames=blame, as_json=json)


@app.command(context_settings={"ignore_unknown_options": True})
def triage(
    query: Query = None,
    *,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
) -> None:
    """Go through findings on the full screen, by keys: read, decide, undo."""
    from fixby.cli import triage

    triage.run(query or ["is:open"], Place(path, store, config))


@app.command()
def accept(  # noqa: PLR0913 - what an acceptance says, where and how
    ids: Ids = None,
    *,
    reason: Annotated[str, typer.Option(help="Why the risk can be taken.")],
    until: Annotated[str, typer.Option(help="When that ends: a date, or a duration such as 30d.")],
    owner: Annotated[str, typer.Option(help="Who answers for it, if not you.")] = "",
    mitigation: Annotated[str, typer.Option(help="What is done meanwhile.")] = "",
    query: Selected = None,
    yes: Yes = False,
    sign: Sign = None,
    statement: Statement = False,
    signed: Signed = None,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Ask for the risk of findings to be accepted for some time; the policy says who must approve."""
    from fixby.cli import decisions
    from fixby.cli.signing import Way

    choice = decisions.Choice(tuple(ids or ()), query, yes)
    wish = decisions.Wish(owner, reason, until, mitigation)
    decisions.accept(choice, wish, Way(sign, statement, signed), Place(path, store, config), as_json=json)


@app.command()
def approve(  # noqa: PLR0913 - where and how, as every command
    ids: Ids = None,
    *,
    query: Selected = None,
    yes: Yes = False,
    sign: Sign = None,
    statement: Statement = False,
    signed: Signed = None,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Approve the acceptances of findings that somebody else asked for."""
    from fixby.cli import decisions
    from fixby.cli.signing import Way

    choice = decisions.Choice(tuple(ids or ()), query, yes)
    decisions.approve(choice, Way(sign, statement, signed), Place(path, store, config), as_json=json)


@app.command()
def revoke(  # noqa: PLR0913 - where and how, as every command
    ids: Ids = None,
    *,
    reason: Reason,
    query: Selected = None,
    yes: Yes = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Take the acceptances of findings back: their time runs again."""
    from fixby.cli import decisions

    choice = decisions.Choice(tuple(ids or ()), query, yes)
    decisions.revoke(choice, reason, Place(path, store, config), as_json=json)


@app.command()
def dismiss(  # noqa: PLR0913 - where and how, as every command
    ids: Ids = None,
    *,
    reason: Reason,
    query: Selected = None,
    yes: Yes = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Say that findings are false positives."""
    from fixby.cli import decisions

    choice = decisions.Choice(tuple(ids or ()), query, yes)
    decisions.dismiss(choice, reason, Place(path, store, config), as_json=json)


@app.command()
def reopen(  # noqa: PLR0913 - where and how, as every command
    ids: Ids = None,
    *,
    reason: Reason,
    query: Selected = None,
    yes: Yes = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Say that dismissed findings are some after all: the time in between counts."""
    from fixby.cli import decisions

    choice = decisions.Choice(tuple(ids or ()), query, yes)
    decisions.reopen(choice, reason, Place(path, store, config), as_json=json)


@app.command()
def assign(  # noqa: PLR0913 - where and how, as every command
    ids: Ids = None,
    *,
    to: Annotated[str | None, typer.Option(help="The name of who sees to them; me for yourself.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Nobody does any more.")] = False,
    query: Selected = None,
    yes: Yes = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Say who sees to findings."""
    from fixby.cli import decisions

    choice = decisions.Choice(tuple(ids or ()), query, yes)
    decisions.assign(choice, to, Place(path, store, config), nobody=nobody, as_json=json)


@app.command()
def tag(  # noqa: PLR0913 - where and how, as every command
    ids: Ids = None,
    *,
    add: Annotated[list[str] | None, typer.Option(help="A tag to give; may be given several times.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="A tag to take away; may be given several times.")] = None,
    query: Selected = None,
    yes: Yes = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Give findings tags, by which queries find them and policies shorten their time."""
    from fixby.cli import decisions

    choice = decisions.Choice(tuple(ids or ()), query, yes)
    decisions.tag(choice, add or (), remove or (), Place(path, store, config), as_json=json)


@app.command()
def comment(  # noqa: PLR0913 - where and how, as every command
    ids: Ids = None,
    *,
    text: Annotated[str, typer.Option("--text", "-m", help="The remark.")],
    query: Selected = None,
    yes: Yes = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Write a remark into the history of findings."""
    from fixby.cli import decisions

    choice = decisions.Choice(tuple(ids or ()), query, yes)
    decisions.comment(choice, text, Place(path, store, config), as_json=json)


@app.command()
def gate(  # noqa: PLR0913 - where and how, as every command
    path: Target = Path(),
    *,
    record: Annotated[bool, typer.Option("--record", help="Write the judgement down as evidence.")] = False,
    again: Annotated[
        int | None, typer.Option(help="Evaluate the judgement again that this event holds.", metavar="EVENT", min=1)
    ] = None,
    as_of: AsOf = "",
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Judge what is stored: exit 0 pass, 1 fail, 3 cannot tell."""
    from fixby.cli import gate

    raise typer.Exit(gate.run(Place(path, store, config), record=record, again=again, at=as_of, as_json=json))


@app.command()
def attest(  # noqa: PLR0913 - where and how, as every command
    kind: Annotated[str, typer.Argument(help="What is vouched for, such as restore-drill.")] = "",
    *,
    note: Annotated[str, typer.Option(help="A remark for whoever reads it later.")] = "",
    evidence: Annotated[str, typer.Option(help="A file or an address that bears it out.")] = "",
    at: Annotated[str, typer.Option(help="When it was done, as in 2026-11-20T09:00:00Z, if not now.")] = "",
    until: Annotated[str, typer.Option(help="Until when it holds: 30d, 2026-12-31, or an instant.")] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take back what was attested; --note says why.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show what was attested, and whether it is valid.")] = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Vouch for what no scanner sees: a restore drill, a penetration test that was closed."""
    from fixby.cli import attest

    wish = attest.Wish(kind, note, evidence, until, at, withdraw)
    attest.run(Place(path, store, config), wish, only_list=list_, as_json=json)


@app.command(hidden=True)
def github() -> None:
    """Run as a step of GitHub's runner: action.yml calls this."""
    from fixby.cli import github_action

    raise typer.Exit(github_action.run())


@app.command()
def update(  # noqa: PLR0913 - where and how, as every command
    *,
    source: Annotated[Path | None, typer.Option("--from", help="A folder or file to take instead of fetching.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The folder for them, if not beside the store.")] = None,
    ecosystem: Annotated[
        list[str] | None, typer.Option(help="Fetch the advisories for it, such as npm; may be given several times.")
    ] = None,
    advisories_url: Annotated[str, typer.Option(help="Where advisories are published, if not by OSV itself.")] = "",
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Fetch what is known of exploitation (the KEV catalogue, EPSS scores), and the advisories that are needed here."""
    from fixby.cli import update

    wish = update.Wish(source, to, tuple(ecosystem or ()), advisories_url)
    raise typer.Exit(update.run(Place(path, store, config), wish, as_json=json))


@app.command()
def notify(
    *,
    show: Annotated[bool, typer.Option("--show", help="Show it, and send nothing.")] = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Send one notice of what became due, breached, came back or lost its acceptance since the last one."""
    from fixby.cli import notify

    raise typer.Exit(notify.run(Place(path, store, config), only_show=show, as_json=json))


@app.command()
def doctor(path: Target = Path(), *, store: Store = None, config: Config = None, json: Json = False) -> None:
    """Say what is installed, what would run here, and what would not."""
    from fixby.cli import doctor

    raise typer.Exit(doctor.run(Place(path, store, config), as_json=json))


@sla.command("report", context_settings={"ignore_unknown_options": True})
def report(  # noqa: PLR0913 - the options of a report
    query: Query = None,
    *,
    as_of: AsOf = "",
    since: Annotated[str, typer.Option(help="Where the period begins: a date, or a duration such as 90d.")] = "90d",
    by: Annotated[str, typer.Option(help="Group by these: severity, asset, team, tier, category.")] = "severity",
    format_: Annotated[str, typer.Option("--format", help="terminal, json, csv, markdown or html.")] = "terminal",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file to write instead.")] = None,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Report how the promises were kept: breaches, compliance, time to fix, the backlog."""
    from fixby.cli import sla
    from fixby.cli.choice import choice

    chosen = choice("--format", "json" if json else format_, sla.Format)
    wish = sla.Wish(tuple(query or ()), as_of, since, by, chosen, output)
    sla.run_report(wish, Place(path, store, config))


@sla.command("explain")
def explain(  # noqa: PLR0913 - where and how, as every command
    id_: Id,
    *,
    as_of: AsOf = "",
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Say why a finding is due when it is: which line of which policy, and the time that ran."""
    from fixby.cli import sla

    sla.run_explain(id_, as_of, Place(path, store, config), as_json=json)


@decided.command("export", context_settings={"ignore_unknown_options": True})
def export_decisions(
    query: Query = None, *, path: Folder = Path(), store: Store = None, config: Config = None, json: Json = False
) -> None:
    """Print the decisions in force as TOML that `fixby decisions apply` reads."""
    from fixby.cli import decisions_file

    decisions_file.export(tuple(query or ()), Place(path, store, config), as_json=json)


@decided.command("apply")
def apply_decisions(  # noqa: PLR0913 - where and how, as every command
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="What is to be accepted and dismissed.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be decided.")] = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Decide what a file states and is not in force yet; the policy's rules apply."""
    from fixby.cli import decisions_file

    decisions_file.apply(file, Place(path, store, config), only_show=dry_run, as_json=json)


@decided.command("import")
def import_decisions(
    file: Annotated[Path, typer.Argument(help="What another tool was told to ignore, or a VEX document.")],
    *,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Print as decisions what ignore files, VEX documents or a detect-secrets baseline say; nothing is decided."""
    from fixby.cli import decisions_file

    decisions_file.convert(file, Place(path, store, config), as_json=json)


@export.command("vex", context_settings={"ignore_unknown_options": True})
def export_vex(  # noqa: PLR0913 - the parts of a document
    query: Query = None,
    *,
    format_: Annotated[str, typer.Option("--format", help="openvex or cyclonedx.")] = "openvex",
    product: Annotated[str, typer.Option(help="The product's purl or another IRI; the asset unless told.")] = "",
    author: Annotated[str, typer.Option(help="Who says so, if not you.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file to write instead.")] = None,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
) -> None:
    """Say which known vulnerabilities affect the product: a VEX document."""
    from fixby.cli import vex

    vex.run(vex.Wish(tuple(query or ()), format_, product, author, output), Place(path, store, config))


@export.command("cyclonedx", context_settings={"ignore_unknown_options": True})
def export_cyclonedx(  # noqa: PLR0913 - the parts of a document
    query: Query = None,
    *,
    product: Annotated[str, typer.Option(help="What it is of; the asset unless told.")] = "",
    as_of: AsOf = "",
    output: Annotated[Path | None, typer.Option("--output", help="A file to write instead.")] = None,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
) -> None:
    """Write the packages that are known, with their vulnerabilities and decisions: CycloneDX 1.6 in JSON."""
    from fixby.cli import bill_of_materials

    wish = bill_of_materials.Wish(query or ["-is:fixed", "-is:withdrawn"], product, as_of, output)
    bill_of_materials.run(wish, Place(path, store, config))


@export.command("sarif", context_settings={"ignore_unknown_options": True})
def export_sarif(  # noqa: PLR0913 - where and how, as every command
    query: Query = None,
    *,
    as_of: AsOf = "",
    output: Annotated[Path | None, typer.Option("--output", help="A file to write instead.")] = None,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
) -> None:
    """Write the open and dismissed findings, or those that a query selects, as SARIF for code scanning."""
    from fixby.cli import sarif

    sarif.run(sarif.Wish(query or ["is:open,dismissed"], as_of, output), Place(path, store, config))


@export.command("gitlab", context_settings={"ignore_unknown_options": True})
def export_gitlab(
    query: Query = None,
    *,
    output: Annotated[Path, typer.Option("--output", help="The folder for the files.")] = Path(),
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
) -> None:
    """Write the open findings, or those that a query selects, as GitLab's security reports (gl-*-report.json)."""
    from fixby.cli import gitlab

    gitlab.run(query or ["is:open"], output, Place(path, store, config))


@export.command("evidence", context_settings={"ignore_unknown_options": True})
def export_evidence(  # noqa: PLR0913 - where and how, as every command
    query: Query = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The zip to write.")],
    as_of: AsOf = "",
    since: Annotated[str, typer.Option(help="Where the period begins: a date, or a duration such as 90d.")] = "90d",
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Write a zip for an auditor: the log with its proof, policies, figures, findings, scans, decisions."""
    from fixby.cli import export

    export.run_evidence(export.Wish(output, tuple(query or ()), as_of, since), Place(path, store, config), as_json=json)


@app.command("verify")
def verify_evidence(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="A package that fixby export evidence wrote.")],
    *,
    expect: Annotated[str, typer.Option(metavar="SEQ:HASH", help="The snapshot that was noted elsewhere.")] = "",
    json: Json = False,
) -> None:
    """Prove a package of evidence, without the store: exit 0 nothing was changed, 1 something was, 3 it is none."""
    from fixby.cli import export

    raise typer.Exit(export.run_verify(file, expect, as_json=json))


@advisory.command("show")
def show_advisory(  # noqa: PLR0913 - where and how, as every command
    name: Annotated[str, typer.Argument(metavar="ID", help="The id of an advisory, or any alias.")],
    *,
    advisories: Annotated[Path | None, typer.Option(help="OSV records, a folder or zip, to look in.")] = None,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show what advisories at hand say: severity, packages, fixed versions, and whether they were withdrawn."""
    from fixby.cli import advisories as at_hand

    at_hand.run_show(Place(path, store, config), name, advisories, as_json=json)


@policy.command("show")
def show_policy(*, path: Folder = Path(), store: Store = None, config: Config = None, json: Json = False) -> None:
    """Show the policy in force: windows, overrides, who may accept a risk."""
    from fixby.cli import policies

    policies.run_show(Place(path, store, config), as_json=json)


@policy.command("check")
def check_policy(files: Policies, *, json: Json = False) -> None:
    """Say what is wrong with policy files, by line and key; exit 2 where something is."""
    from fixby.cli import policies

    raise typer.Exit(policies.run_check(files, as_json=json))


@db.command()
def verify(*, path: Folder = Path(), store: Store = None, config: Config = None, json: Json = False) -> None:
    """Prove that nothing that is stored was changed."""
    from fixby.cli import upkeep

    raise typer.Exit(upkeep.verify(Place(path, store, config), as_json=json))


@db.command()
def upgrade(*, path: Folder = Path(), store: Store = None, config: Config = None, json: Json = False) -> None:
    """Bring the store to the version of this Fixby."""
    from fixby.cli import upkeep

    upkeep.upgrade(Place(path, store, config), as_json=json)


@state.command("init")
def init_state(  # noqa: PLR0913 - where and how, as every command
    *,
    remote: Remote = "",
    branch: StateBranch = "",
    open_key: Annotated[bool, typer.Option("--open-key", help="Put the store's key beside the log.")] = False,
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Begin the branch with what the store has."""
    from fixby.cli import state

    state.init(state.Wish(Place(path, store, config), remote, branch), open_key=open_key, as_json=json)


@state.command("pull")
def pull_state(  # noqa: PLR0913 - where and how, as every command
    *,
    remote: Remote = "",
    branch: StateBranch = "",
    expect: Expect = "",
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Bring the store up to the branch; exit 3 where the branch is gone or was changed."""
    from fixby.cli import state

    state.pull(state.Wish(Place(path, store, config), remote, branch, expect), as_json=json)


@state.command("push")
def push_state(  # noqa: PLR0913 - where and how, as every command
    *,
    remote: Remote = "",
    branch: StateBranch = "",
    expect: Expect = "",
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Bring the branch up to the store, behind what others pushed meanwhile."""
    from fixby.cli import state

    state.push(state.Wish(Place(path, store, config), remote, branch, expect), as_json=json)


@state.command("show")
def show_state(  # noqa: PLR0913 - where and how, as every command
    *,
    remote: Remote = "",
    branch: StateBranch = "",
    expect: Expect = "",
    path: Folder = Path(),
    store: Store = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Prove what is on the branch, and change nothing."""
    from fixby.cli import state

    state.show(state.Wish(Place(path, store, config), remote, branch, expect), as_json=json)


@state.command("key")
def state_key(*, path: Folder = Path(), store: Store = None, config: Config = None, json: Json = False) -> None:
    """Print the store's secret key, for FIXBY_STORE_KEY."""
    from fixby.cli import state

    state.key(Place(path, store, config), as_json=json)


def main() -> None:
    """Run the command line, and exit."""
    gc.disable()  # a command ends within seconds and leaves few cycles: looking for them takes a tenth of its time
    open_streams()
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        app()
    except FixbyError as error:
        _say(error)
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001 - the edge: what nobody foresaw is told, and is no success
        note(traceback.format_exc())
        note("fixby: this is a bug; please report it with the lines above.")
        sys.exit(ExitCode.INTERNAL)


def _say(error: FixbyError) -> None:
    note(f"fixby: {safe(error.message)}")
    if error.hint:
        note(f"       {safe(error.hint)}")


def _trace() -> None:
    if isinstance(sys.exception(), FixbyError):
        note(traceback.format_exc())


def _interrupt(number: int, _: FrameType | None) -> None:
    raise Interrupted(f"Interrupted by {signal.Signals(number).name}; what was not stored yet is not.")
