"""What there is to know about a server in order to install and run it: data only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Build:
    """The packages for one kind of machine, pinned.

    `index` is an index of packages that is asked as well, but only where pip does not find `probe` (a requirement) with
    its own settings: what a machine has on its disk, or a company in its mirror, goes first. `remove`: packages that
    the others ask for and that are in the way. `known_as`: (name, version) under which the server looks for itself.
    """

    packages: tuple[str, ...] = ()
    probe: str = ""
    index: str = ""
    remove: tuple[str, ...] = ()
    known_as: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Prepare:
    """A script of `managed/scripts`, or any path, run once by the environment's Python as `SCRIPT WEIGHTS SOURCE`.

    `source`: (package, file in it) of LLMFlow's own environment; where it is not there, the step is left out.
    """

    script: str
    source: tuple[str, str]
    detail: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model that comes with the server. `path`: with {weights} or {site}, the environment's site-packages."""

    name: str
    path: str
    about: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that may be chosen when the server is started."""

    name: str
    default: str | int
    help: str
    least: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """One server. In `command` and `environ` stand {python}, {bin} (the folder it is in), {site}, {port}, {key},
    {model} (a path or a hub's name), {model_name} and each choice by its name; an argument that becomes empty is left
    out, and {arguments} becomes as many as it holds.

    `ports`: what it can be to LLMFlow. `health`: the path that answers 200 when it serves. `start_s`: how long it may
    take until then. `memory_mb`, `disk_mb`: estimates with its first model. `check`: a module that must import.
    `environ_offline`: variables left out when the model comes from a hub. `adapters_option`: before NAME=PATH of LoRA
    adapters on the command line; "" where it takes none.
    """

    name: str
    title: str
    version: str
    summary: str
    licence: str
    homepage: str
    ports: tuple[str, ...]
    cpu: Build
    gpu: Build | None
    command: tuple[str, ...]
    environ: Mapping[str, str]
    health: str
    start_s: float
    memory_mb: int
    disk_mb: int
    check: str = ""
    prepare: tuple[Prepare, ...] = ()
    models: tuple[Model, ...] = ()
    choices: tuple[Choice, ...] = ()
    environ_offline: tuple[str, ...] = ()
    adapters_option: str = ""

    @property
    def fingerprint(self) -> str:
        """Changes with whatever an environment is built from."""
        parts = msgspec.json.encode([self.version, self.cpu, self.gpu, self.prepare, self.check])
        return hashlib.sha256(parts).hexdigest()[:16]
