"""The keys of the screen, once: what is bound, what the help says, and what the documentation must."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """Keys with commas between them, the action they stand for, and the help."""

    keys: str
    action: str
    help: str

    @property
    def shown(self) -> str:
        """The keys as people read them."""
        return " ".join(_SHOWN.get(key, key) for key in self.keys.split(","))


_SHOWN = {
    "slash": "/",
    "question_mark": "?",
    "asterisk": "*",
    "up": "Up",
    "down": "Down",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "space": "Space",
}

KEYS = (
    Key("down,j,n", "move(1)", "the next finding"),
    Key("up,k", "move(-1)", "the finding before"),
    Key("pagedown", "page(1)", "a screenful down"),
    Key("pageup", "page(-1)", "a screenful up"),
    Key("home,g", "first", "what is due first"),
    Key("end,G", "last", "what is due last"),
    Key("J", "scroll_detail(1)", "scroll the finding down"),
    Key("K", "scroll_detail(-1)", "scroll the finding up"),
    Key("slash", "filter", "change the query; Enter or Esc leads back"),
    Key("space", "mark", "mark or unmark; decisions are of all that is marked"),
    Key("asterisk", "mark_all", "mark all of the queue, or none"),
    Key("a", "decide('accept')", "accept the risk for some time"),
    Key("p", "decide('approve')", "approve an acceptance that waits"),
    Key("v", "decide('revoke')", "revoke an acceptance"),
    Key("d", "decide('dismiss')", "dismiss as a false positive"),
    Key("o", "decide('reopen')", "reopen what was dismissed"),
    Key("s", "decide('assign')", "say who sees to it"),
    Key("c", "decide('comment')", "comment"),
    Key("t", "decide('tag')", "tag, or take tags away"),
    Key("u", "undo", "undo your last decision here, by another one"),
    Key("e", "edit", "open the file in $VISUAL or $EDITOR at the line"),
    Key("r", "reload", "read the store again"),
    Key("question_mark", "help", "this help"),
    Key("q", "quit", "leave; so does Ctrl-C, also while you type a query"),
)

HINT = "/ filter  a accept  d dismiss  s assign  c comment  t tag  u undo  ? all keys"
