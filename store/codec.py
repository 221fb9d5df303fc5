"""Findings as the JSON that stands in the event log, and back."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from fixby.component import Component
from fixby.finding import Category, Finding, Location, Rule, Step, Suppression, TracedFinding
from fixby.identifiers import Identifiers
from fixby.severity import Severity, SeveritySource


def encoded(value: object) -> bytes:
    """Canonical JSON of a dataclass, list or dict: sorted keys, no white space. Raises `TypeError` for other things."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def decoded(document: Mapping[str, Any]) -> Finding:
    """The finding that `encoded` wrote. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    component, suppression = document["component"], document["suppression"]
    flows = tuple(tuple(map(_step, flow)) for flow in document.get("flows", ()))
    made = partial(TracedFinding, flows=flows) if flows else Finding
    return made(
        category=Category(document["category"]),
        scanner=document["scanner"],
        rule=Rule(**_with_tuples(document["rule"], "cwes", "references")),
        severity=Severity(document["severity"]),
        severity_source=SeveritySource(document["severity_source"]),
        message=document["message"],
        locations=tuple(Location(**place) for place in document["locations"]),
        component=Component(**_with_tuples(component, "fixed_versions")) if component else None,
        identifiers=Identifiers(tuple(document["identifiers"]["names"])),
        fix=document["fix"],
        code=document["code"],
        secret_fingerprint=document["secret_fingerprint"],
        suppression=Suppression(**suppression) if suppression else None,
    )


def _step(document: Mapping[str, Any]) -> Step:
    return Step(Location(**document["location"]), document["message"])


def _with_tuples(document: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: tuple(value) if key in keys else value for key, value in document.items()}
