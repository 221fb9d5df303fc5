"""Who acts: a person, by the name that the caller, the CI or git gives."""

from collections.abc import Iterator, Mapping
from getpass import getuser

from fixby.errors import UsageError

MACHINE = "fixby"
"""The name of the machine itself, which no person bears."""


def actor(environment: Mapping[str, str]) -> str:
    """The name of the person who acts.

    The first of these that there is: the variable FIXBY_ACTOR; GITHUB_ACTOR where CI is set; the e-mail address in the
    user's or the machine's configuration of git, never in that of a checkout, which is not trusted; the login name.
    Raises `UsageError` where there is none, or where it is no name.
    """
    name = next(filter(None, _names(environment)), "").strip()
    if not name:
        raise UsageError("Nobody knows who you are.", _HINT)
    if not name.isprintable() or len(name) > _LONGEST:
        raise UsageError(f"{name[:_LONGEST]!r} is no name: it is too long or has characters that do not print.", _HINT)
    if name == MACHINE:
        raise UsageError(f"{MACHINE!r} is what Fixby itself is called, and no person.", _HINT)
    return name


_HINT = "Say it with the variable FIXBY_ACTOR, as in FIXBY_ACTOR=ada@example.org."
_LONGEST = 200


def _names(environment: Mapping[str, str]) -> Iterator[str]:
    yield environment.get("FIXBY_ACTOR", "")
    yield environment.get("GITHUB_ACTOR", "") if environment.get("CI") else ""
    yield from (_email(scope, environment) for scope in ("--global", "--system"))
    yield _login()


def _email(scope: str, environment: Mapping[str, str]) -> str:
    """What one of git's configurations outside of checkouts says, or nothing."""
    from fixby.scanners.process import capture  # noqa: PLC0415 - not where the name is known

    inherited = {name: environment[name] for name in _WHERE_GIT_LOOKS if name in environment}
    asked = capture(("git", "config", scope, "--includes", "--get", "user.email"), inherited)
    return "" if asked.failure or asked.exit_code else asked.report.decode(errors="replace").rstrip("\n")


_WHERE_GIT_LOOKS = ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")


def _login() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        return ""
