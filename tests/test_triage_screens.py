"""What the screens of `fixby triage` look like, line by line, in a small and a large terminal."""

from pathlib import Path

import pytest

from fixby.finding import Location
from fixby.severity import Severity
from fixby.store.opening import open_for_writing
from tests.stories import scan, told, vulnerability, weakness
from tests.triage import START, Screen, shown

SCREENS = Path(__file__).parent / "golden" / "triage"
FINDINGS = (
    vulnerability(severity=Severity.CRITICAL),
    weakness("run(\n    command)", rule="B602", locations=(Location("shop/orders.py", 41, 42),)),
    weakness("assert(text)", path="shop/prices.py", line=3, rule="B101", severity=Severity.LOW),
)
STATES = {
    "queue": (),
    "next": ("j",),
    "help": ("question_mark",),
    "filter": ("slash",),
    "accept": ("a",),
    "dismiss": ("d",),
    "assign": ("s",),
    "comment": ("c",),
    "tag": ("t",),
    "selected": ("space", "j", "space"),
}


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_a_screen_looks_as_it_did(
    tmp_path: Path, state: str, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    store = str(tmp_path / "fixby.db")
    database = open_for_writing(store)
    told(database, scan(*FINDINGS, at=START))
    database.close()
    seen: list[str] = []

    async def story(screen: Screen) -> None:
        await screen.press(*STATES[state])
        seen.append(screen.text.rstrip("\n") + "\n")

    shown(store, story, size=size)
    file = SCREENS / f"{state}.{size[0]}x{size[1]}.txt"
    if request.config.getoption("--rewrite-golden"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(seen[0], encoding="utf-8")
    assert seen[0] == file.read_text(encoding="utf-8")
    assert all(len(line) <= size[0] for line in seen[0].splitlines())
