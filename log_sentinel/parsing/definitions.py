"""Format definitions: one TOML file says what a log looks like, what its fields mean, why requests are denied, and
proves it.

Nothing here touches a log line, and polars is not needed to read a definition. Every mistake in a file is named at
once.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from log_sentinel.config.section import Section
from log_sentinel.config.zones import known_zone
from log_sentinel.content import shipped
from log_sentinel.model.finding import Cause, DeniedBy
from log_sentinel.parsing.languages import LANGUAGES
from log_sentinel.parsing.readings import INPUTS, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pydantic_core import ErrorDetails

SAMPLE_KINDS = ("allowed", "denied", "hostile")
NAME = r"^[a-z0-9][a-z0-9-]*$"


class BadDefinition(Exception):
    """A definition that cannot be used. `where` is its file or name, `mistakes` one sentence each."""

    def __init__(self, where: str, *mistakes: str) -> None:
        self.where = where
        self.mistakes = mistakes
        super().__init__("\n".join(f"{where}, {mistake}" for mistake in mistakes))


Zone = Annotated[str, AfterValidator(known_zone('a time zone is a name like "UTC" or "Europe/Berlin"'))]


Shape = Literal["status", "clf", "iso8601", "seconds", "number", "list", "plain", "text", "address"]


class ColumnSource(Section):
    """Where an input comes from: variable names or JSON paths, the first that has a value wins; `as` is its unit."""

    source: tuple[str, ...] = Field(alias="from", min_length=1)
    unit: str | None = Field(default=None, alias="as")

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: Any) -> Any:
        """`"path"` and `["path", "path"]` stand for `{ from = [...] }`."""
        if isinstance(given, str):
            return {"from": [given]}
        if isinstance(given, list):
            return {"from": given}
        if isinstance(given, dict) and isinstance(given.get("from"), str):
            return given | {"from": [given["from"]]}
        return given


class Condition(Section):
    """What must hold of one column. All that is given must hold."""

    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    present: bool | None = None
    same_as: str | None = None
    matches: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: Any) -> Any:
        """`"value"`, `403` and `["a", "b"]` stand for `{ any_of = [...] }`."""
        if isinstance(given, str | int | float) and not isinstance(given, bool):
            return {"any_of": [str(given)]}
        if isinstance(given, list):
            return {"any_of": [str(value) for value in given]}
        return given


class VerdictRule(Section):
    """When every condition holds, this is why: the first rule that matches speaks. `because` is the sentence people
    read."""

    name: str = Field(pattern=NAME)
    when: dict[str, Condition] = Field(min_length=1)
    denied_by: DeniedBy
    cause: Cause
    confidence: float = Field(ge=0, le=1)
    alternatives: dict[Cause, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    because: str = Field(min_length=1)


class Sample(Section):
    """A real line and what must come of it: few meaningful columns of its event, or `rejected`."""

    kind: Literal["allowed", "denied", "hostile"]
    line: str = Field(min_length=1)
    event: dict[str, str | int | float] = Field(default_factory=dict)
    verdict: dict[Literal["denied_by", "cause"], str] = Field(default_factory=dict)
    rejected: bool = False

    @model_validator(mode="after")
    def _expects_something(self) -> Sample:
        if self.rejected == bool(self.event):
            raise ValueError("a sample has either an event or rejected = true")
        return self


class Definition(Section):
    """One log format. `columns` and `evidence` name variables of the text format, paths of the JSON object or groups of
    the regular expression.

    For a text format the built-in meanings of its language's variables hold unless `columns` says otherwise. A server
    that writes lines of several kinds (with and without captured headers) has several `log_format`, the commonest
    first. `shapes` say what values look like where the language does not. `zone` is that of times written without an
    offset. `rules_version` grows when the verdict rules change. `verdicts_of` is the shipped definition whose rules
    follow its own. `signs` is an expression for what no other writes into lines that they read the same.
    """

    name: str = Field(pattern=NAME)
    gateway: str = Field(pattern=NAME)
    description: str = Field(min_length=1)
    kind: Literal["text", "json", "regex"]
    language: Literal["nginx", "apache", "envoy", "haproxy", "fields"] = "nginx"
    log_format: tuple[str, ...] = ()
    pattern: str | None = None
    shapes: dict[str, Shape] = Field(default_factory=dict)
    escape: Literal["default", "json", "none", "haproxy"] = "default"
    zone: Zone | None = None
    time_is: Literal["start", "end", "received"] = "end"
    columns: dict[str, ColumnSource] = Field(default_factory=dict)
    evidence: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], ColumnSource] = Field(default_factory=dict)
    rules_version: int = Field(default=1, ge=1)
    signs: str | None = None
    verdicts_of: str | None = None
    verdicts: tuple[VerdictRule, ...] = Field(default=(), alias="verdict")
    samples: tuple[Sample, ...] = Field(default=(), alias="sample")

    @model_validator(mode="before")
    @classmethod
    def _directive(cls, given: Any) -> Any:
        """`log_format` may be the server's directive as its configuration has it: quoting and escape mode are taken
        off."""
        if not isinstance(given, dict) or "log_format" not in given:
            return given
        formats = [given["log_format"]] if isinstance(given["log_format"], str) else given["log_format"]
        language = LANGUAGES.get(given.get("language", "nginx"))
        if (
            language is None
            or not isinstance(formats, list | tuple)
            or not all(isinstance(each, str) for each in formats)
        ):
            return given
        try:
            found = [language.read(each) for each in formats]
        except ValueError as error:
            raise ValueError(f"log_format: {error}") from None
        escape = next((each.escape for each in found if each.escape), "default")
        return {"escape": escape} | given | {"log_format": tuple(each.text for each in found)}

    @model_validator(mode="after")
    def _whole(self) -> Definition:
        if (self.kind == "text") != bool(self.log_format):
            raise ValueError('log_format: a definition of kind "text" has one, others have none')
        if (self.kind == "regex") != (self.pattern is not None):
            raise ValueError('pattern: a definition of kind "regex" has one, others have none')
        for key, expression in (("pattern", self.pattern), ("signs", self.signs)):
            try:
                re.compile(expression or "")
            except re.error as error:
                raise ValueError(f"{key}: got {expression!r:.80}; not a regular expression: {error}") from None
        if self.kind in ("json", "regex"):
            missing = [name for name in ("time", "status") if name not in self.columns]
            if missing:
                raise ValueError(
                    f"columns: {' and '.join(missing)} not given; a format of this kind says where they are"
                )
        for name, source in self.columns.items():
            units = INPUTS.get(name)
            if units is None:
                raise ValueError(f'columns: got "{name}"; {_one_of(INPUTS)}.{_did_you_mean(name, INPUTS)}')
            if source.unit is not None and source.unit not in units:
                raise ValueError(f'columns.{name}.as: got "{source.unit}"; {_one_of(units)}')
            if units and source.unit is None:
                raise ValueError(f"columns.{name}.as: not given; {_one_of(units)}")
        return self

    def readings(self) -> dict[str, Reading]:
        """The inputs that `columns` names."""
        return {name: Reading(source.source, source.unit) for name, source in self.columns.items()}


def load(path: Path) -> Definition:
    """The definition in the TOML file `path`. Raises BadDefinition with every mistake, OSError when it cannot be
    read."""
    return parsed(path.read_bytes(), where="/".join(path.parts[-2:]))


def parsed(text: bytes, where: str) -> Definition:
    """The definition in `text` (TOML). It must carry a sample of each kind. Raises BadDefinition with every mistake."""
    try:
        raw = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadDefinition(where, f"not TOML: {error}. Mend the file's syntax.") from None
    try:
        definition = Definition.model_validate(raw)
    except ValidationError as error:
        raise BadDefinition(where, *(sentence(each) for each in error.errors())) from None
    definition = _with_shared_verdicts(definition, where)
    missing = [kind for kind in SAMPLE_KINDS if all(sample.kind != kind for sample in definition.samples)]
    if missing:
        raise BadDefinition(
            where,
            f"sample: none of kind {', '.join(missing)}; a definition has an allowed, a denied and a hostile line. "
            "Add a [[sample]] with a real line and a few columns of its event.",
        )
    return definition


def _with_shared_verdicts(definition: Definition, where: str) -> Definition:
    if definition.verdicts_of is None:
        return definition
    known = {path.stem: path for path in shipped("parsers").glob("*.toml")}
    path = known.get(definition.verdicts_of)
    if path is None:
        close = _did_you_mean(definition.verdicts_of, known)
        raise BadDefinition(
            where, f'verdicts_of: got "{definition.verdicts_of}"; it names a shipped format with rules.{close}'
        )
    shared = load(path)
    return definition.model_copy(
        update={
            "verdicts": definition.verdicts + shared.verdicts,
            "rules_version": max(definition.rules_version, shared.rules_version),
        }
    )


def load_folders(folders: Iterable[Path]) -> dict[str, Definition]:
    """The definitions of all *.toml in `folders`, by name. Raises BadDefinition for the first bad file or a name
    given twice."""
    found: dict[str, Definition] = {}
    origin: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            definition = load(path)
            if definition.name in found:
                raise BadDefinition(
                    "/".join(path.parts[-2:]),
                    f'name: got "{definition.name}", which {origin[definition.name]} has. Give it another name.',
                )
            found[definition.name] = definition
            origin[definition.name] = path
    return found


def _one_of(allowed: Iterable[str]) -> str:
    names = tuple(allowed)
    return f"one of {', '.join(names)}" if names else "it takes none"


def _did_you_mean(name: str, allowed: Iterable[str]) -> str:
    close = get_close_matches(name, tuple(allowed), 1)
    return f' Did you mean "{close[0]}"?' if close else ""


def sentence(error: ErrorDetails) -> str:
    """One of pydantic's errors as `where: what was found; what is allowed.`"""
    place: list[str] = []
    for step in error["loc"]:
        if isinstance(step, int):
            place[-1] = f"{place[-1]} {step + 1}"
        else:
            place.append(str(step))
    where = ", ".join(place) if place and " " in place[0] else ".".join(place)
    prefix = f"{where}: " if where else ""
    context = error.get("ctx", {})
    message = error["msg"].removeprefix("Value error, ").rstrip(".")
    if error["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in Definition.model_fields.items()]
        return f"{prefix}not a key of a definition.{_did_you_mean(place[-1], known)}"
    if error["type"] == "missing":
        return f"{prefix}not given; a definition needs it."
    if error["type"] == "value_error":
        return f"{prefix}{message}."
    allowed = context.get("expected") or context.get("pattern") or message[:1].lower() + message[1:]
    return f"{prefix}got {error['input']!r:.80}; allowed is {allowed}."
