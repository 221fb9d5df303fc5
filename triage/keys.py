"""The keys of the screen, once: what is bound, what the help says, and what the documentation must."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """Keys with commas between them, the action they stand for (empty where a widget binds them), and the help."""

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
    Key("down,j,n", "", "the next finding"),
    Key("up,k", "", "the finding before"),
    Key("pagedown,pageup", "", "a screenful down, or up"),
    Key("home,g", "", "what is due first"),
    Key("end,G", "", "what is due last"),
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
    Key("q", "quit", "leave; so does Ctrl-C, wherever you are"),
)

HINT = "/ filter  a accept  d dismiss  s assign  c comment  t tag  u undo  ? all keys"
