"""Charts as inline SVG: coloured by the page's style sheet, read aloud by their title and description."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from math import ceil

from fixby.reports import sla_words as words
from fixby.reports.plain import safe
from fixby.sla.figures import Figures, Month, Report


def backlog(months: Sequence[Month]) -> str:
    """What was in breach and what was open when each month ended, each on a scale of its own."""
    said = (f"{month.name}: {month.breached_at_end:,} in breach of {month.open_at_end:,} open" for month in months)
    names = [month.name for month in months]
    drawn = (
        _text(0, 12, "In breach", "heading"),
        *_columns([month.breached_at_end for month in months], 36, 106, "breached"),
        _text(0, 132, "Open", "heading"),
        *_columns([month.open_at_end for month in months], 156, 228, "open"),
        *_below(names, 0, 246),
    )
    return _svg("backlog", "In breach and open at the end of each month", said, 252, drawn)


def compliance(months: Sequence[Month]) -> str:
    """The share of promises kept in each month, from 0 to 100 %; a month without promises leaves a gap."""
    said = (f"{month.name}: {words.percent(month.compliance)}" for month in months)
    drawn = (
        *_levels(),
        *_curve([month.compliance for month in months]),
        *_below([month.name for month in months], _AXIS, 246),
    )
    return _svg("compliance", "Compliance by month", said, 252, drawn)


def times_to_fix(report: Report) -> str:
    """Median, 90 % and expected time to fix of each severity, as bars on one scale."""
    rows = [(severity, (time.median, time.p90, time.expected)) for severity, time in words.times(report)]
    said = (f"{severity}: {', '.join(_said(times))}" for severity, times in rows)
    longest = max((time for _, times in rows for time in times if time is not None), default=0)
    bars = (bar for row, (name, times) in enumerate(rows) for bar in _bars(name, times, 30 + 44 * row, longest))
    return _svg("times", "Time to fix by severity", said, 32 + 44 * len(rows), (*_legend(), *bars))


def _said(times: Iterable[int | None]) -> Iterator[str]:
    return (f"{name} {words.hours(time)}" for (name, _), time in zip(_TIMES, times, strict=True))


def age(figures: Figures) -> str:
    """How many findings are open for how many days."""
    counts = words.ages(figures)
    said = (f"{name}: {count:,}" for name, count in zip(words.AGE_NAMES, counts, strict=True))
    drawn = (*_columns(counts, 28, 228, "open"), *_below(words.AGE_NAMES, 0, 246))
    return _svg("age", "Age of what is open", said, 252, drawn)


_WIDTH = 400
_AXIS = 44
_TOP, _BOTTOM = 28, 228
_BAR_LEFT, _BAR_RIGHT = 66, 340
_TIMES = (("median", "median"), ("90 % within", "p90"), ("expected", "expected"))
"""The times of a severity: their names, and the classes of their bars."""


def _svg(name: str, title: str, said: Iterable[str], height: int, drawn: Iterable[str]) -> str:
    return (
        f'<svg role="img" aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {_WIDTH} {height}">\n'
        f'<title id="{name}-title">{_escaped(title)}</title>\n'
        f'<desc id="{name}-desc">{_escaped("; ".join(said))}</desc>\n' + "\n".join(drawn) + "\n</svg>"
    )


def _columns(values: Sequence[int], top: int, bottom: int, kind: str) -> Iterator[str]:
    """A column for each value, with its number on top as far as there is room."""
    step = _WIDTH / max(1, len(values))
    most = max((*values, 1))
    every = ceil(len(values) / _ROOM)
    for place, value in enumerate(values):
        middle, height = step * (place + 0.5), (bottom - top) * value / most
        wide = min(step * 0.7, 40)
        yield _rectangle(middle - wide / 2, bottom - height, wide, height, kind)
        if (len(values) - 1 - place) % every == 0:
            yield _text(min(middle, _WIDTH - 12), bottom - height - 4, _short(value), "value", "middle")
    yield _line(0, bottom)


_ROOM = 13
"""How many numbers have room beside one another."""


def _below(names: Sequence[str], left: float, y: float) -> Iterator[str]:
    """The names under the columns, the last one and as many others as have room."""
    step = (_WIDTH - left) / max(1, len(names))
    every = ceil(len(names) / 5) if len(names) > 6 else 1
    for place, name in enumerate(names):
        if (len(names) - 1 - place) % every == 0:
            yield _text(min(left + step * (place + 0.5), _WIDTH - 22), y, name, "name", "middle")


def _levels() -> Iterator[str]:
    for percent in (0, 50, 100):
        y = _height(percent / 100)
        yield _line(_AXIS, y)
        yield _text(_AXIS - 6, y + 4, f"{percent} %", "name", "end")


def _curve(shares: Sequence[float | None]) -> Iterator[str]:
    """A line through the shares, with a point and a number in whole percent for each as far as there is room."""
    step = (_WIDTH - _AXIS) / max(1, len(shares))
    every = ceil(len(shares) / _ROOM)
    points = [
        (place, _AXIS + step * (place + 0.5), _height(share), share)
        for place, share in enumerate(shares)
        if share is not None
    ]
    strokes = (f"{'M' if not place or shares[place - 1] is None else 'L'}{x:.1f} {y:.1f}" for place, x, y, _ in points)
    yield f'<path class="curve" d="{" ".join(strokes)}"/>'
    for place, x, y, share in points:
        yield f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        if (len(shares) - 1 - place) % every == 0:
            yield _text(x, y - 8, str(int(round(share * 100, 6))), "value", "middle")


def _height(share: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * share


def _legend() -> Iterator[str]:
    for place, (name, kind) in enumerate(_TIMES):
        yield _rectangle(_BAR_LEFT + 100 * place, 4, 10, 10, kind)
        yield _text(_BAR_LEFT + 100 * place + 15, 13, name, "name")


def _bars(name: str, times: Iterable[int | None], top: int, longest: int) -> Iterator[str]:
    yield _text(0, top + 21, name, "heading")
    for place, ((_, kind), time) in enumerate(zip(_TIMES, times, strict=True)):
        wide = (_BAR_RIGHT - _BAR_LEFT) * (time or 0) / max(1, longest)
        y = top + 12 * place
        yield _rectangle(_BAR_LEFT, y, wide, 9, kind)
        yield _text(_BAR_LEFT + wide + 5, y + 8.5, words.hours(time), "value")


def _rectangle(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _line(x: float, y: float) -> str:
    return f'<line class="axis" x1="{x:.1f}" y1="{y:.1f}" x2="{_WIDTH}" y2="{y:.1f}"/>'


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_escaped(text)}</text>'


def _short(number: int) -> str:
    return f"{number:,}" if number < 10_000 else f"{number // 1000:,}k"


def _escaped(text: str) -> str:
    return escape(safe(text))
