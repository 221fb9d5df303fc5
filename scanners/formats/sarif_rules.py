"""The rules of a SARIF run: found by index, id or guid in the driver or an extension, with their weaknesses.

How bad a result is, in this order:

| the report says | severity |
|---|---|
| `security-severity` of the result or its rule, from 0.0 to 10.0; Dependency-Check's scores | by the scale of CVSS |
| 0.0, and `Severity: ...` in the rule's help | that word |
| `severity` or `issue_severity` of either, or CRITICAL, HIGH, MEDIUM, LOW as a tag of the rule | that word |
| `Critical severity - ...` as the title of a rule of Snyk's | that word |
| level error, warning, note, none; of the result, else of an override, else of the rule | high, medium, low, info |
| kind `informational` | info |
| kind `open` or `review`, and nothing of the above | unknown, by default |
| nothing: what the standard has a missing level mean, warning (3.27.10) | medium, by default |
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fixby.errors import ReportError
from fixby.finding import Category, Rule
from fixby.scanners.formats.fields import optional_child, optional_each, optional_items, optional_number, words_at
from fixby.scanners.formats.ratings import Rating, rating
from fixby.scanners.formats.sarif_categories import category_of, vulnerability_names
from fixby.scanners.formats.wording import clean, cwes, prose, spoken
from fixby.scanners.report import HINT, Record, as_record, child, has, optional_text
from fixby.severity import Severity, SeveritySource, severity_of_cvss_score


@dataclass(frozen=True, slots=True)
class SarifRule:
    """A rule of a run: what findings bear of it, its record, and what follows from that for all of its results."""

    rule: Rule
    record: Record
    rated: Rating | None
    level: str
    category: Category
    vulnerabilities: tuple[str, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a run; each is made once."""

    tool: str
    components: list[Record]
    rows: list[list[Record]]
    by_id: Mapping[str, tuple[int, int]]
    taxonomies: list[Record]
    levels: Mapping[str, str]
    made: dict[tuple[int, int, str], SarifRule] = field(default_factory=dict)

    def of(self, result: Record) -> SarifRule:
        """The rule of a result; one that is not described has its id, or is `unnamed`. Raises `ReportError`."""
        reference = optional_child(result, "rule")
        id_ = (optional_text(result, "ruleId") or optional_text(reference, "id")).strip()
        found = self._found(result, reference, id_) or self._mentioned(result, id_)
        component, index = found or (-1, -1)
        key = (component, index, id_)
        if key not in self.made:
            row = self.rows[component][index] if found else {}
            self.made[key] = self._made(row, id_ or optional_text(row, "id") or "unnamed")
        return self.made[key]

    def weaknesses(self, result: Record) -> tuple[str, ...]:
        """The weaknesses that a result itself names, by taxonomy or as a property. Raises `ReportError`."""
        named = optional_each(result, "taxa", self._weakness)
        return cwes((*named, *_of_properties(optional_child(result, "properties"))))

    def message_string(self, rule: Record, id_: str) -> Record:
        """The message of that id, of the rule or of any of the tools; an empty one where there is none."""
        tables = (rule.get("messageStrings"), *(one.get("globalMessageStrings") for one in self.components))
        found = (table.get(id_) for table in tables if isinstance(table, dict))
        return next((one for one in found if isinstance(one, dict)), {})

    def _found(self, result: Record, reference: Record, id_: str) -> tuple[int, int] | None:
        """By index where the rule there has the id, else by id: whole, or without its last parts (3.27.5)."""
        index = next((n for n in _indices(result, reference) if n >= 0), None)
        component = self._component(optional_child(reference, "toolComponent"))
        if index is not None and component < len(self.rows) and index < len(self.rows[component]):
            own = optional_text(self.rows[component][index], "id")
            if not id_ or id_ == own or id_.startswith(f"{own}/"):
                return component, index
        elif index is not None and not id_:
            raise ReportError(f"expected a rule of index {index}, found nothing", HINT)
        for _ in range(_LEVELS_OF_AN_ID):
            if id_ in self.by_id:
                return self.by_id[id_]
            id_ = id_.rpartition("/")[0]
        return self.by_id.get(optional_text(reference, "guid"))

    def _mentioned(self, result: Record, id_: str) -> tuple[int, int] | None:
        """The rule with whose id the message begins, where a result names none: so wrote gitleaks 7."""
        words = "" if id_ else optional_text(optional_child(result, "message"), "text")
        return self.by_id.get(words.removesuffix(" secret detected"))

    def _component(self, reference: Record) -> int:
        """Which component is meant: 0 is the driver, the others are the extensions in their order."""
        index = optional_number(reference, "index")
        if index is not None and index >= 0:
            return index + 1
        named = [(key, optional_text(reference, key)) for key in ("guid", "name") if has(reference, key)]
        some = (n for n, one in enumerate(self.components) if any(one.get(key) == value for key, value in named))
        return next(some, 0)

    def _made(self, row: Record, id_: str) -> SarifRule:
        properties = optional_child(row, "properties")
        tags = words_at(properties, "tags")
        relations = optional_each(row, "relationships", lambda one: self._weakness(child(one, "target")))
        found = cwes((*relations, *tags, *_of_properties(properties)))
        described = optional_text(optional_child(row, "fullDescription"), "text") if id_.startswith("SNYK-") else ""
        known = vulnerability_names((id_, *words_at(row, "deprecatedIds"), *_CVE.findall(described)))
        title = _first_words(row) or spoken(id_)
        help_ = optional_text(optional_child(row, "help"), "text").strip()
        is_link = re.fullmatch(r"https?://\S+", help_) is not None
        links = tuple(dict.fromkeys(clean(link) for link in (*words_at(row, "helpUri"), *([help_] if is_link else []))))
        configured = optional_text(optional_child(row, "defaultConfiguration"), "level")
        return SarifRule(
            Rule(clean(id_), title, found, links),
            row,
            _rated_by_words(help_)
            if _score(properties.get("security-severity")) == 0.0
            else rated_by(properties, tags) or _rated_by_title(id_, title),
            self.levels.get(id_) or configured,
            category_of(self.tool, optional_text(row, "name"), frozenset(tag.lower() for tag in tags), known),
            known,
            "" if is_link else prose(help_),
        )

    def _weakness(self, reference: Record) -> str:
        """The id in a reference to a taxonomy, if that is CWE; by index where there is no id."""
        component = optional_child(reference, "toolComponent")
        taxonomy = _of_component(self.taxonomies, component)
        name = optional_text(component, "name") or (optional_text(taxonomy, "name") if taxonomy else "")
        id_, index = optional_text(reference, "id"), optional_number(reference, "index")
        if not id_ and taxonomy and index is not None and index >= 0:
            taxa = optional_items(taxonomy, "taxa")
            id_ = optional_text(as_record(taxa[index], f"`taxa[{index}]`"), "id") if index < len(taxa) else ""
        return id_ if name.upper() == "CWE" or id_.upper().startswith("CWE") else ""


def rules_of(tool: str, run: Record) -> Rules:
    """The rules of a run of a tool. Raises `ReportError`."""
    said = child(run, "tool")
    components = [child(said, "driver"), *optional_each(said, "extensions", lambda row: row)]
    rows = [optional_each(one, "rules", lambda row: row) for one in components]
    by_id: dict[str, tuple[int, int]] = {}
    for component, some in enumerate(rows):
        for index, row in enumerate(some):
            for name in (optional_text(row, "id"), optional_text(row, "guid")):
                by_id.setdefault(name, (component, index))
    by_id.pop("", None)
    overrides = optional_each(run, "invocations", lambda row: dict(_overrides(row, rows)))
    levels = {id_: level for some in overrides for id_, level in some.items()}
    return Rules(tool, components, rows, by_id, optional_each(run, "taxonomies", lambda row: row), levels)


def rated(rule: SarifRule, result: Record, kind: str) -> Rating:
    """How bad a result of a rule is; see the table on top. Raises `ReportError`."""
    said = rated_by(optional_child(result, "properties"), ()) or rule.rated
    if said:
        return said
    if kind == "informational":
        return Severity.INFO, SeveritySource.SCANNER
    level = (optional_text(result, "level") if kind == "fail" else "") or rule.level
    if level in _LEVELS:
        return _LEVELS[level], SeveritySource.SCANNER
    return (Severity.MEDIUM if kind == "fail" else Severity.UNKNOWN), SeveritySource.DEFAULT


def rated_by(properties: Record, tags: Iterable[str]) -> Rating | None:
    """What properties and tags say of how bad something is, or None."""
    scores = (_score(properties.get(key)) for key in ("security-severity", "cvssv3_baseScore", "cvssv2_score"))
    if (score := next((one for one in scores if one is not None), None)) is not None:
        return severity_of_cvss_score(score), SeveritySource.CVSS
    words = (properties.get(key) for key in ("security-severity", "severity", "issue_severity"))
    known = (one for word in words if (one := rating(word))[1] is SeveritySource.SCANNER)
    return next(known, None) or next((rating(tag) for tag in tags if tag in _TAGS), None)


def _rated_by_words(help_: str) -> Rating:
    """What the help of a rule says whose score is 0.0: so Trivy and Grype write of what nobody has rated, too."""
    said = _SAID.search(help_)
    return rating(said[1]) if said else (Severity.INFO, SeveritySource.CVSS)


def _rated_by_title(id_: str, title: str) -> Rating | None:
    """What Snyk says first of a vulnerability, `Critical severity - ...`; its levels know no critical."""
    said = _TITLED.match(title) if id_.startswith("SNYK-") else None
    return rating(said[1]) if said else None


_TITLED = re.compile(r"(Critical|High|Medium|Low) severity -")
_SAID = re.compile(r"^Severity: ([A-Za-z]{1,20})$", re.MULTILINE)
_LEVELS_OF_AN_ID = 10
_LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.INFO}
_TAGS = frozenset({"CRITICAL", "HIGH", "MEDIUM", "LOW"})
_CVE = re.compile(r"CVE-\d{4}-\d{4,19}")
_SCORE = re.compile(r"\d{1,2}(?:\.\d{1,6})?", re.ASCII)


def _score(value: object) -> float | None:
    words = str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    score = float(words) if _SCORE.fullmatch(words) else -1.0
    return score if 0.0 <= score <= 10.0 else None


def _indices(result: Record, reference: Record) -> Iterator[int]:
    for record, key in ((result, "ruleIndex"), (reference, "index")):
        index = optional_number(record, key)
        if index is not None:
            yield index


def _of_properties(properties: Record) -> tuple[str, ...]:
    return tuple(word for key in ("cwe", "cwes", "cweIds", "cwe_id") for word in words_at(properties, key))


def _first_words(row: Record) -> str:
    """What a rule is called: its short description, its name in words, or the first line of its full description."""
    short, full = (optional_text(optional_child(row, key), "text") for key in ("shortDescription", "fullDescription"))
    name = optional_text(row, "name").strip()
    words = " ".join((short.strip() or (spoken(name) if name else "") or full.strip()).split())
    return prose(words if len(words) <= _TITLE else re.split(r"(?<=[.!?]) ", words)[0][:_TITLE])


_TITLE = 150


def _of_component(some: list[Record], reference: Record) -> Record | None:
    index = optional_number(reference, "index")
    if index is not None and 0 <= index < len(some):
        return some[index]
    named = [(key, optional_text(reference, key)) for key in ("guid", "name") if has(reference, key)]
    return next((one for one in some if any(one.get(key) == value for key, value in named)), None)


def _overrides(invocation: Record, rows: list[list[Record]]) -> Iterator[tuple[str, str]]:
    """The levels that whoever started the tool gave to rules, by their ids."""
    for override in optional_each(invocation, "ruleConfigurationOverrides", lambda row: row):
        descriptor, level = child(override, "descriptor"), optional_text(child(override, "configuration"), "level")
        index = optional_number(descriptor, "index")
        own = rows[0][index] if index is not None and 0 <= index < len(rows[0]) else {}
        if level and (id_ := optional_text(descriptor, "id") or optional_text(own, "id")):
            yield id_, level
