"""A small runner of GitHub's workflows: what a job and a composite action of this repository need, and no more.

It evaluates their expressions, runs their `run:` steps with bash and the environment of GitHub's runner, reads the log
for workflow commands as that does, and hands actions of others to stand-ins. Whatever it does not know is an error.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.command import clean_environment

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Command:
    """A workflow command that the runner obeyed."""

    name: str
    properties: Mapping[str, str]
    message: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What a job runs on: the event, the folders, and what GitHub says of the run in variables and contexts."""

    workspace: Path
    temporary: Path
    event: Mapping[str, Any]
    event_name: str
    ref: str
    commit: str
    repository: str = "shop/web"
    token: str = "ghs_token"
    api: str = "http://127.0.0.1:9"
    environment: Mapping[str, str] = field(default_factory=dict)

    def contexts(self) -> dict[str, Any]:
        """What expressions may name."""
        inputs = self.event.get("inputs") or {}
        github = {
            "event_name": self.event_name,
            "ref": self.ref,
            "repository": self.repository,
            "token": self.token,
            "event": self.event,
        }
        return {
            "github": github,
            "inputs": inputs,
            "runner": {"os": "Linux", "arch": "X64", "temp": str(self.temporary)},
        }


StandIn = Callable[[Machine, Mapping[str, str]], Mapping[str, str] | None]
"""An action of others: it is given its inputs, and gives its outputs."""


@dataclass(slots=True)
class Ended:
    """How a job ended: its log, what the runner obeyed, what actions of others were asked, and the job's summary."""

    failed: bool = False
    code: int = 0
    log: str = ""
    commands: list[Command] = field(default_factory=list)
    used: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    def annotations(self, *names: str) -> list[Command]:
        return [one for one in self.commands if one.name in (names or ("error", "warning", "notice"))]


def run_job(workflow: str, job: str, machine: Machine, stand_ins: Mapping[str, StandIn]) -> Ended:
    """Run a job of a workflow. The action of this repository, `fixby/fixby`, is the one in this checkout."""
    described = yaml.safe_load(workflow)["jobs"][job]
    if not evaluated(str(described.get("if", "success()")), machine.contexts()):
        return Ended()
    ended = Ended()
    steps: _Steps = {}
    for step in described["steps"]:
        _step(step, _Scope(machine, {**machine.contexts(), "steps": steps}, stand_ins, ended, ROOT), steps)
    return ended


def run_action(folder: Path, given: Mapping[str, str], machine: Machine, stand_ins: Mapping[str, StandIn]) -> Ended:
    """Run a composite action alone, with these inputs."""
    ended = Ended()
    scope = _Scope(machine, machine.contexts(), stand_ins, ended, folder)
    _composite(folder, given, scope)
    return ended


@dataclass(frozen=True, slots=True)
class _Scope:
    machine: Machine
    contexts: Mapping[str, Any]
    stand_ins: Mapping[str, StandIn]
    ended: Ended
    action: Path

    def text(self, raw: object) -> str:
        return interpolated(str(raw), self.contexts)

    def texts(self, raw: Mapping[str, object] | None) -> dict[str, str]:
        return {name: self.text(_written(value)) for name, value in (raw or {}).items()}


_Steps = dict[str, dict[str, Any]]
"""What came of steps, by id: `outputs` and `outcome`."""


def _step(step: Mapping[str, Any], scope: _Scope, steps: _Steps) -> None:
    unknown = step.keys() - {"name", "id", "if", "uses", "with", "shell", "run", "env", "continue-on-error"}
    assert not unknown, f"the runner does not know {unknown}"
    condition = str(step.get("if", "success()")).removeprefix("${{").removesuffix("}}")
    contexts = {**scope.contexts, "failed": scope.ended.failed}
    runs = evaluated(condition, contexts)
    if not runs or (scope.ended.failed and "always()" not in condition):
        return
    outputs: dict[str, str] = {}
    if "run" in step:
        stand_in = scope.stand_ins.get(step.get("name", ""))
        outputs = dict(stand_in(scope.machine, {}) or {}) if stand_in else _run(step, scope)
    else:
        outputs = _use(step, scope)
    if "id" in step:
        steps[step["id"]] = {"outputs": outputs, "outcome": "failure" if scope.ended.failed else "success"}
    if step.get("continue-on-error"):
        scope.ended.failed = False


def _use(step: Mapping[str, Any], scope: _Scope) -> dict[str, str]:
    name, _, version = step["uses"].partition("@")
    given = scope.texts(step.get("with"))
    if name in ("fixby/fixby", "./"):
        return _composite(ROOT, given, scope)
    assert re.fullmatch(r"[0-9a-f]{40}", version), f"{name} is not pinned"
    scope.ended.used.append((name, given))
    return dict(scope.stand_ins[name](scope.machine, given) or {})


def _composite(folder: Path, given: Mapping[str, str], scope: _Scope) -> dict[str, str]:
    """Run a composite action; its inputs are texts, whatever the workflow wrote."""
    action = yaml.safe_load((folder / "action.yml").read_text())
    unknown = given.keys() - action["inputs"].keys()
    assert not unknown, f"the action has no inputs {unknown}"
    defaults = scope.texts({name: about["default"] for name, about in action["inputs"].items()})
    inputs = {**defaults, **given}
    steps: _Steps = {}
    inner = _Scope(
        scope.machine, {**scope.contexts, "inputs": inputs, "steps": steps}, scope.stand_ins, scope.ended, folder
    )
    for step in action["runs"]["steps"]:
        _step(step, inner, steps)
    scope.ended.outputs = {name: inner.text(about["value"]) for name, about in action.get("outputs", {}).items()}
    return scope.ended.outputs


def _run(step: Mapping[str, Any], scope: _Scope) -> dict[str, str]:
    machine, files = scope.machine, {}
    for name in ("OUTPUT", "STEP_SUMMARY", "ENV", "PATH", "STATE"):
        files[name] = machine.temporary / f"_runner_{name.lower()}_{len(scope.ended.log)}"
        files[name].write_text("")
    payload = machine.temporary / "event.json"
    payload.write_text(json.dumps(machine.event))
    script = machine.temporary / "script.sh"
    script.write_text(scope.text(step["run"]))
    assert step.get("shell", "bash") == "bash"
    environment = {
        **clean_environment(),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(scope.action),
        "GITHUB_API_URL": machine.api,
        "GITHUB_EVENT_NAME": machine.event_name,
        "GITHUB_EVENT_PATH": str(payload),
        "GITHUB_REF": machine.ref,
        "GITHUB_REPOSITORY": machine.repository,
        "GITHUB_RUN_ID": "1234",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_SHA": machine.commit,
        "GITHUB_WORKSPACE": str(machine.workspace),
        "RUNNER_ARCH": "X64",
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": str(machine.temporary),
        **{f"GITHUB_{name}": str(file) for name, file in files.items()},
        **machine.environment,
        **scope.texts(step.get("env")),
    }
    ended = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=machine.workspace,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    log = ended.stdout.decode()
    scope.ended.log += log
    scope.ended.commands += commands(log.splitlines())
    scope.ended.summary += files["STEP_SUMMARY"].read_text()
    assert not files["ENV"].read_text() + files["PATH"].read_text(), "the step changes the environment of later ones"
    if ended.returncode:
        scope.ended.failed, scope.ended.code = True, ended.returncode
    return dict(_outputs(files["OUTPUT"].read_text()))


def _outputs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        assert equals, f"{line!r} is no output"
        assert "<<" not in name
        yield name, value


def _written(value: object) -> str:
    """A value of YAML as the runner hands it to an action: as a text."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def commands(lines: Sequence[str]) -> Iterator[Command]:
    """The commands in a log that the runner obeys: `::name key=value::message`, and `##[name]message` anywhere.

    After `::stop-commands::word` it obeys nothing but `::word::`.
    """
    stopped = ""
    for line in lines:
        command = _second_form(line) or _first_form(line)
        if command is None:
            continue
        if stopped:
            stopped = "" if command.name == stopped else stopped
        elif command.name == "stop-commands":
            stopped = command.message
        else:
            yield command


_NAMES = {"error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "stop-commands", "set-output"}
_NAMES |= {"set-env", "add-path", "save-state", "add-matcher", "remove-matcher", "echo", "section"}


def _second_form(line: str) -> Command | None:
    found = re.match(r"\s*::(?P<name>[^ :]+)(?: (?P<properties>.*?))?::(?P<message>.*)", line)
    if not found or not (found["name"] in _NAMES or re.fullmatch("[0-9a-f]{32}", found["name"])):
        return None
    pairs = (part.partition("=") for part in (found["properties"] or "").split(",") if part)
    return Command(
        found["name"], {key: _unescaped(value, (":", ",")) for key, _, value in pairs}, _unescaped(found["message"])
    )


def _first_form(line: str) -> Command | None:
    found = re.search(r"##\[(?P<name>[^ \]]+)(?: (?P<properties>[^\]]*))?\](?P<message>.*)", line)
    return Command(found["name"], {}, found["message"]) if found and found["name"] in _NAMES else None


def _unescaped(text: str, more: Sequence[str] = ()) -> str:
    for character in (*more, "\r", "\n", "%"):
        text = text.replace(f"%{ord(character):02X}", character)
    return text


def interpolated(text: str, contexts: Mapping[str, Any]) -> str:
    """A text with what stands in `${{ }}` evaluated."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _written(evaluated(found[1], contexts)), text)


_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|!|\(|\)|,|[A-Za-z_][A-Za-z0-9_.-]*)")


def evaluated(expression: str, contexts: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as JSON
    """The value of an expression: names, texts, `==`, `!=`, `!`, `&&`, `||`, parentheses, `always()`, `success()`."""
    tokens, at = [], 0
    while at < len(expression.rstrip()):
        found = _TOKEN.match(expression, at)
        assert found, f"the runner does not know {expression[at:]!r}"
        tokens.append(found[1])
        at = found.end()
    value = _either(tokens, contexts)
    assert not tokens, f"the runner does not know {tokens}"
    return value


def _either(tokens: list[str], contexts: Mapping[str, Any]) -> Any:  # noqa: ANN401
    value = _both(tokens, contexts)
    while tokens and tokens[0] == "||":
        tokens.pop(0)
        other = _both(tokens, contexts)
        value = value or other
    return value


def _both(tokens: list[str], contexts: Mapping[str, Any]) -> Any:  # noqa: ANN401
    value = _compared(tokens, contexts)
    while tokens and tokens[0] == "&&":
        tokens.pop(0)
        other = _compared(tokens, contexts)
        value = value and other
    return value


def _compared(tokens: list[str], contexts: Mapping[str, Any]) -> Any:  # noqa: ANN401
    value = _single(tokens, contexts)
    if tokens and tokens[0] in ("==", "!="):
        same = tokens.pop(0) == "=="
        other = _single(tokens, contexts)
        return (str(value or "").lower() == str(other or "").lower()) is same
    return value


def _single(tokens: list[str], contexts: Mapping[str, Any]) -> Any:  # noqa: ANN401
    token = tokens.pop(0)
    if token == "!":
        return not _single(tokens, contexts)
    if token == "(":
        value = _either(tokens, contexts)
        assert tokens.pop(0) == ")"
        return value
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    if tokens and tokens[0] == "(":
        assert tokens.pop(0) + tokens.pop(0) == "()"
        return {"always": True, "success": not contexts.get("failed")}[token]
    value = contexts
    first, *rest = token.split(".")
    assert first in contexts, f"the runner has no {first}"
    value = contexts[first]
    for part in rest:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
