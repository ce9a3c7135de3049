"""Reads llmflow.yaml and the environment into Settings: the only place that does.

Order, later wins: defaults, llmflow.yaml, LLMFLOW_<SECTION>_<KEY> variables, the command line. `${NAME}` in a value
is read from the environment, then from the file that NAME_FILE names, then from secrets/NAME in the home.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llmflow import catalog
from llmflow.config import settings as s
from llmflow.errors import ConfigError

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands, for error messages."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class _Value:
    raw: Any
    place: _Place


def home_folder(explicit: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """The home: --home, else LLMFLOW_HOME, else ~/.llmflow."""
    env = os.environ if environ is None else environ
    return Path(explicit or env.get("LLMFLOW_HOME") or "~/.llmflow").expanduser().absolute()


def load(
    *,
    home: str | Path | None = None,
    file: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> s.Settings:
    """Settings from everywhere. `overrides`: dotted keys from the command line ("server.port"); None is not given.

    The file is --config, else LLMFLOW_CONFIG, else llmflow.yaml in the working folder, else in the home; none is
    fine. Raises ConfigError with the key, the place and the nearest right name.
    """
    env = os.environ if environ is None else environ
    base = home_folder(home, env)
    path = _find_file(base, file or env.get("LLMFLOW_CONFIG"))
    values = _read(path) if path else {}
    reader = _Reader(base, env)
    sections = {name: reader.section(name, cls, values.pop(name, None)) for name, cls in s.SECTIONS.items()}
    organs = reader.organs(values.pop("organs", None))
    servers = reader.servers(values.pop("servers", None))
    embeddings = reader.embeddings(values.pop("embeddings", None))
    models = reader.models(values.pop("models", None))
    for key, value in values.items():
        raise _unknown(key, [*s.SECTIONS, "organs", "servers", "embeddings", "models"], value.place)
    for dotted, given in (overrides or {}).items():
        if given is not None:
            section, name = dotted.split(".", 1)
            field = next(f for f in dataclasses.fields(s.SECTIONS[section]) if f.name == name)
            _check_value(dotted, field, given, _Place(f"option --{name}"))
            sections[section] = dataclasses.replace(sections[section], **{name: given})
    return s.Settings(
        home=base,
        file=path,
        organs=organs,
        servers=servers,
        embeddings=embeddings,
        models=models,
        master_key=env.get("LLMFLOW_MASTER_KEY", ""),
        **sections,
    )


def _find_file(home: Path, named: str | Path | None) -> Path | None:
    if named:
        path = Path(named).expanduser().absolute()
        if not path.is_file():
            raise ConfigError(f"There is no configuration file {path}.", code="config_unreadable")
        return path
    for path in (Path("llmflow.yaml"), home / "llmflow.yaml"):
        try:
            if path.is_file():
                return path.absolute()
        except PermissionError as error:
            raise ConfigError(f"{path.parent.absolute()} may not be looked into.", code="home_unwritable") from error
    return None


def _read(path: Path) -> dict[str, _Value]:
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", code="config_unreadable") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}".replace("\n", " "), code="config_unreadable") from error
    if node is None:
        return {}
    try:
        value = _plain(node, path)
    except RecursionError as error:
        raise ConfigError(f"{path} holds an alias that refers to itself.", code="config_unreadable") from error
    if not isinstance(value.raw, dict):
        raise ConfigError(f"{value.place}: the file must hold sections such as `server:`.", code="config_unreadable")
    return value.raw


def _plain(node: yaml.Node, path: Path) -> _Value:
    """A YAML node as values that remember their line."""
    place = _Place(str(path), node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, _Value] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                raise ConfigError(f"{path}, line {line}: a key must be a single word.", code="config_unreadable")
            if key.value in mapping:
                raise ConfigError(
                    f"{path}, line {key.start_mark.line + 1}: `{key.value}` stands twice.", param=key.value
                )
            value = _plain(child, path)
            mapping[str(key.value)] = _Value(value.raw, _Place(str(path), key.start_mark.line + 1))
        return _Value(mapping, place)
    if isinstance(node, yaml.SequenceNode):
        return _Value([_plain(child, path).raw for child in node.value], place)
    loader = yaml.SafeLoader("")
    try:
        return _Value(loader.construct_object(node), place)
    except (yaml.YAMLError, ValueError) as error:  # a foreign tag, a date that is none
        raise ConfigError(f"{place}: the value is of a kind that no setting has.", code="config_unreadable") from error
    finally:
        loader.dispose()


def _unknown(key: str, known: list[str], place: _Place) -> ConfigError:
    last = key.rsplit(".", 1)[-1]
    nearest = difflib.get_close_matches(last, [k.rsplit(".", 1)[-1] for k in known], n=1, cutoff=0.5)
    full = next((k for k in known if nearest and k.rsplit(".", 1)[-1] == nearest[0]), None)
    guess = f"Did you mean `{full}`?" if full else f"Known here: {', '.join(known)}."
    return ConfigError(f"{place}: there is no setting `{key}`. {guess}", code="setting_unknown", param=key)


def _check_value(key: str, field: dataclasses.Field[Any], value: Any, place: _Place) -> None:
    """Raises ConfigError (setting_value) for what the type allows and the setting does not."""
    least, most, choices = (field.metadata[name] for name in ("least", "most", "choices"))
    if choices and value not in choices:
        raise _outside(key, f"one of {', '.join(choices)}", value, place)
    if isinstance(value, int | float) and not least <= value <= most:
        bounds = f"between {least:g} and {most:g}" if most != float("inf") else f"{least:g} or more"
        raise _outside(key, bounds, value, place)


def _outside(key: str, allowed: str, value: Any, place: _Place) -> ConfigError:
    return ConfigError(f"{place}: `{key}` must be {allowed}, not `{value}`.", code="setting_value", param=key)


class _Reader:
    """Turns raw values into typed ones, section by section."""

    def __init__(self, home: Path, env: Mapping[str, str]) -> None:
        self._home = home
        self._env = env

    def section(self, name: str, cls: type, value: _Value | None) -> Any:
        given = self._mapping(name, value)
        fields = {f.name: f for f in dataclasses.fields(cls)}
        for key, child in given.items():
            if key not in fields:
                raise _unknown(f"{name}.{key}", [f"{name}.{known}" for known in fields], child.place)
        typed: dict[str, Any] = {}
        for key, f in fields.items():
            variable = f"LLMFLOW_{name}_{key}".upper()
            if variable in self._env:
                child = _Value(self._env[variable], _Place(f"environment variable {variable}"))
            elif key in given:
                child = given[key]
            else:
                continue
            typed[key] = self._typed(f"{name}.{key}", f.type, child, secret=f.metadata["secret"])
            _check_value(f"{name}.{key}", f, typed[key], child.place)
        return cls(**typed)

    def organs(self, value: _Value | None) -> dict[str, s.Organ]:
        organs = s.default_organs()
        for port, child in self._mapping("organs", value).items():
            if port not in organs:
                raise _unknown(f"organs.{port}", [f"organs.{known}" for known in organs], child.place)
            organs[port] = self._organ(port, child)
        return organs

    def servers(self, value: _Value | None) -> dict[str, s.Organ]:
        """Model servers beside organs.llm, by name; their keys are those of organs.llm."""
        found = {}
        for name, child in self._mapping("servers", value).items():
            if name in ("default", "route"):
                raise ConfigError(f"{child.place}: a server cannot be called `{name}`.", param=f"servers.{name}")
            found[name] = self._organ("llm", child, f"servers.{name}", use="openai")
        return found

    def embeddings(self, value: _Value | None) -> dict[str, s.Organ]:
        """Embedding models beside organs.embedding, by name; their keys are those of organs.embedding."""
        named = self._mapping("embeddings", value)
        return {
            name: self._organ("embedding", child, f"embeddings.{name}", use="openai") for name, child in named.items()
        }

    def models(self, value: _Value | None) -> dict[str, Any]:
        return {name: self._resolve(f"models.{name}", child) for name, child in self._mapping("models", value).items()}

    def _organ(self, port: str, value: _Value, where: str = "", *, use: str = "") -> s.Organ:
        where = where or f"organs.{port}"
        given = dict(self._mapping(where, value))
        named = given.pop("use", _Value(use or catalog.DEFAULTS[port], value.place))
        name = str(self._typed(f"{where}.use", "str", named))
        if ":" in name:
            return s.Organ(name, {k: self._resolve(f"{where}.{k}", v) for k, v in given.items()})
        adapter = catalog.find(port, name)
        if adapter is None:
            known = [a.name for a in catalog.adapters_of(port)]
            nearest = difflib.get_close_matches(name, known, n=1)
            guess = f"Did you mean `{nearest[0]}`?" if nearest else f"Known: {', '.join(known)}; or module:Class."
            message = f"{named.place}: {where} has no adapter `{name}`. {guess}"
            raise ConfigError(message, code="adapter_unknown", param=f"{where}.use")
        options = {option.name: option for option in adapter.options}
        for key, child in given.items():
            if key not in options:
                raise _unknown(f"{where}.{key}", [f"{where}.{k}" for k in ("use", *options)], child.place)
        for option in adapter.options:
            if option.required and option.name not in given:
                key = f"{where}.{option.name}"
                raise ConfigError(
                    f"{value.place}: `{key}` is missing; `use: {name}` needs it. {option.help}.", param=key
                )
        return s.Organ(
            name,
            {
                key: self._typed(f"{where}.{key}", options[key].type, child, secret=options[key].secret)
                for key, child in given.items()
            },
        )

    def _mapping(self, key: str, value: _Value | None) -> dict[str, _Value]:
        if value is None or value.raw is None:
            return {}
        if not isinstance(value.raw, dict):
            raise ConfigError(
                f"{value.place}: `{key}` must hold keys of its own, not a single value.", code="setting_type", param=key
            )
        return value.raw

    def _typed(self, key: str, kind: Any, value: _Value, *, secret: bool = False) -> Any:
        raw = self._resolve(key, value)
        name = s.type_name(kind)
        match name, raw:
            case "text", str():
                return raw
            case "true or false", bool():
                return raw
            case "true or false", str() if raw.lower() in ("true", "false"):
                return raw.lower() == "true"
            case "whole number", int() if not isinstance(raw, bool):
                return raw
            case "whole number", str() if re.fullmatch(r"-?\d+", raw):
                return int(raw)
            case "number", int() | float() if not isinstance(raw, bool):
                return float(raw)
            case "number", str() if re.fullmatch(r"-?\d+(\.\d+)?", raw):
                return float(raw)
            case "list of text", list() if all(isinstance(item, str) for item in raw):
                return tuple(raw)
            case "list of text", str():
                return tuple(part.strip() for part in raw.split(",") if part.strip())
        shown = "the value given" if secret else "empty" if raw is None else f"`{raw}`"
        raise ConfigError(
            f"{value.place}: `{key}` must be {_article(name)}, not {shown}.", code="setting_type", param=key
        )

    def _resolve(self, key: str, value: _Value) -> Any:
        """The value with its ${NAME} references read."""
        if isinstance(value.raw, dict):
            return {name: self._resolve(f"{key}.{name}", child) for name, child in value.raw.items()}
        if isinstance(value.raw, list):
            return [self._resolve(key, _Value(item, value.place)) for item in value.raw]
        if not isinstance(value.raw, str):
            return value.raw
        return _REFERENCE.sub(lambda match: self._secret(key, match[1], match[2], value.place), value.raw)

    def _secret(self, key: str, name: str, default: str | None, place: _Place) -> str:
        tried = [f"environment variable {name}"]
        if name in self._env:
            return self._env[name]
        files = [self._home / "secrets" / name]
        if f"{name}_FILE" in self._env:
            files.insert(0, Path(self._env[f"{name}_FILE"]))
        else:
            tried.append(f"environment variable {name}_FILE")
        for path in files:
            tried.append(f"file {path}")
            if path.is_file():
                return _secret_of(path, key, place)
        if default is not None:
            return default
        message = f"{place}: `{key}` needs ${{{name}}}, which is nowhere. Tried: {'; '.join(tried)}."
        raise ConfigError(message, code="secret_missing", param=key)


def _secret_of(path: Path, key: str, place: _Place) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"  # whose error shows the bytes
        message = f"{place}: `{key}` needs the secret in {path}, which cannot be read: {reason}."
        raise ConfigError(message, code="config_unreadable", param=key) from None


def _article(name: str) -> str:
    return name if name == "true or false" else f"a {name}" if name != "text" else "text"
