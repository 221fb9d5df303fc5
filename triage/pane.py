"""What rich renders, scrolled: rendered once for a width, so that going through findings costs little."""

from rich.console import RenderableType
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Pane(ScrollView, can_focus=False):
    """A text, from its beginning whenever it is another."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - as Textual calls it
        super().__init__(id=id)
        self._shown: RenderableType = ""
        self._lines: list[Strip] = []

    def show(self, renderable: RenderableType) -> None:
        """Show something else."""
        self._shown = renderable
        self.scroll_home(animate=False)
        self._render_anew()

    def scroll_page(self, by: int) -> None:
        """Go up or down a screenful."""
        self.scroll_relative(y=by * max(1, self.size.height - 2), animate=False)

    def on_resize(self, _: Resize) -> None:
        """Fold the lines anew."""
        self._render_anew()

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        index, width = y + self.scroll_offset.y, self.size.width
        strip = self._lines[index] if index < len(self._lines) else Strip.blank(width)
        return strip.apply_style(self.rich_style).crop_extend(0, width, self.rich_style)

    def _render_anew(self) -> None:
        console = self.app.console
        width = max(1, self.size.width)
        options = console.options.update(width=width, height=None, highlight=False, markup=False)
        self._lines = [Strip(line) for line in console.render_lines(self._shown, options, pad=False)]
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()
