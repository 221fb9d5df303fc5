"""The way that data take, as Semgrep's taint analysis traces it (`dataflow_trace`)."""

from collections.abc import Callable, Iterator

from fixby.finding import Location, Step
from fixby.scanners.report import Record


def flow(trace: object, at: Callable[[Record], Location], words: Callable[[str], str]) -> Iterator[Step]:
    """The steps from source to sink; what is of another form than Semgrep's is left out, for it is told elsewhere too.

    `at` makes a place of a record with `path`, `start` and `end`, `words` makes what stands there fit to be kept.
    """
    if not isinstance(trace, dict):
        return
    variables = trace.get("intermediate_vars")
    for place, content in (
        *reversed(list(_calls(trace.get("taint_source")))),
        *_variables(variables),
        *_calls(trace.get("taint_sink")),
    ):
        yield Step(at(place), words(content))


_Passed = Iterator[tuple[Record, str]]


def _variables(some: object) -> _Passed:
    for one in some if isinstance(some, list) else ():
        if isinstance(one, dict):
            yield from _passed(one.get("location"), one.get("content"))


def _calls(trace: object, deep: int = 0) -> _Passed:
    """A place, or the call there with what happens in what it calls."""
    match trace:
        case ["CliLoc", [place, content]]:
            yield from _passed(place, content)
        case ["CliCall", [[place, content], variables, inner]] if deep < _DEEP:
            yield from _passed(place, content)
            yield from _variables(variables)
            yield from _calls(inner, deep + 1)
        case _:
            pass


_DEEP = 20


def _passed(place: object, content: object) -> _Passed:
    if isinstance(place, dict) and {"path", "start", "end"} <= place.keys() and isinstance(content, str):
        yield place, content
