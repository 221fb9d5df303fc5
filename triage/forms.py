"""Windows over the screen: one that asks for what a decision needs, and one that says what the keys do."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from fixby.errors import FixbyError
from fixby.reports.plain import safe
from fixby.triage.deciding import Choice
from fixby.triage.keys import KEYS

Act = Callable[[Mapping[str, str]], Awaitable[str]]
"""What is done with the answers; gives the words that say what came of it. Raises `FixbyError`."""


class Form(ModalScreen[str]):
    """Asks, acts, and closes with what came of it; stays, with what was typed, where that is refused."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "leave", priority=True),
        Binding("enter", "submit"),
    ]

    def __init__(self, choice: Choice, about: str, answers: Mapping[str, str], act: Act) -> None:
        super().__init__()
        self._choice, self._about, self._answers, self._act = choice, about, answers, act
        self._is_acting = False

    def compose(self) -> ComposeResult:
        """The questions, what they are about, and a line for what is wrong."""
        with Vertical(classes="window"):
            yield Static(Text(self._choice.title, "bold"))
            yield Static(Text(safe(self._about)), classes="about")
            for field in self._choice.fields:
                yield Static(Text(f"{field.title}  ({field.hint})" if field.hint else field.title))
                yield Input(safe(self._answers.get(field.name, "")), id=field.name, compact=True)
            yield Static(id="refusal")
            yield Static(Text("Enter: do it   Tab: next   Esc: leave it"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field: on to the first that must be filled, else done."""
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        """Act, unless an answer is missing."""
        answers = {field.name: self.query_one(f"#{field.name}", Input).value.strip() for field in self._choice.fields}
        for field in self._choice.fields:
            if field.needed and not answers[field.name]:
                self.query_one(f"#{field.name}", Input).focus()
                self._refuse(f"{field.title}: this must be said.")
                return
        if not self._is_acting:
            self._do(answers)

    def action_leave(self) -> None:
        """Close, with nothing done; not while something is."""
        if not self._is_acting:
            self.dismiss()

    @work
    async def _do(self, answers: Mapping[str, str]) -> None:
        self._is_acting = True
        self._refuse("…")
        try:
            said = await self._act(answers)
        except FixbyError as error:
            self._refuse(f"{error.message} {error.hint}")
        else:
            self.dismiss(said)
        finally:
            self._is_acting = False

    def _refuse(self, why: str) -> None:
        self.query_one("#refusal", Static).update(Text(safe(why), "bold"))


class Help(ModalScreen[None]):
    """What the keys do."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter,ctrl+c", "leave", priority=True)]

    def compose(self) -> ComposeResult:
        """A line for each key."""
        with VerticalScroll(classes="window help"):
            yield Static(Text("\n".join(self._lines())))

    def action_leave(self) -> None:
        """Close."""
        self.dismiss()

    def _lines(self) -> Iterable[str]:
        yield from (f"{key.shown:<12} {key.help}" for key in KEYS)
        yield ""
        yield "A query is made of parts such as is:open severity:high path:src/**."
        yield "docs/commands.md lists them all. Esc closes this."
