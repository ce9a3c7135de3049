"""Every way llmflow.yaml and the environment can be right or wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from llmflow.config.load import home_folder, load
from llmflow.config.settings import SECTIONS, Settings, table
from llmflow.errors import ConfigError

Load = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Settings from this text of llmflow.yaml and these variables, with a home of its own."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def call(text: str = "", **environ: str) -> Settings:
        (tmp_path / "llmflow.yaml").write_text(text, encoding="utf-8")
        return load(home=tmp_path / "home", file=tmp_path / "llmflow.yaml", environ=environ)

    return call


@pytest.fixture
def wrong(read: Load) -> Callable[..., ConfigError]:
    """The error of this text."""

    def call(text: str, **environ: str) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            read(text, **environ)
        return caught.value

    return call


Wrong = Callable[..., ConfigError]


def test_an_empty_file_is_the_embedded_platform(read: Load) -> None:
    settings = read("")
    assert settings.server.port == 8700
    assert {port: organ.use for port, organ in settings.organs.items()}["llm"] == "llama_cpp"
    assert read("# only a comment\n").organs == settings.organs
    assert read("server:\norgans:\n").server == settings.server


def test_every_key_of_the_table_can_be_set(read: Load) -> None:
    texts = {"text": "x", "whole number": "77", "number": "1.5", "true or false": "true", "list of text": "[a, b]"}
    values = {"text": "x", "whole number": 77, "number": 1.5, "true or false": True, "list of text": ("a", "b")}
    for row in table():
        section, _, key = row.key.partition(".")
        if section in SECTIONS:
            special = {
                "server.log_level": "debug",
                "limits.parse_memory_mb": 512,
                "knowledge.reembed": "by_hand",
                "workflow.http_redirects": 7,
                "mail.tls": "none",
            }.get(row.key)
            settings = read(f"{section}:\n  {key}: {special or texts[row.type]}\n")
            assert getattr(getattr(settings, section), key) == (special or values[row.type]), row.key


def test_every_section_and_key_has_help() -> None:
    assert [row.key for row in table() if not row.help.strip()] == []
    assert [name for name, cls in SECTIONS.items() if not cls.__doc__] == []


def test_an_unknown_key_names_its_line_and_the_nearest_key(wrong: Wrong, tmp_path: Path) -> None:
    error = wrong("server:\n  host: 0.0.0.0\n  prot: 80\n")
    assert error.code == "setting_unknown"
    assert error.message == (
        f"{tmp_path / 'llmflow.yaml'}, line 3: there is no setting `server.prot`. Did you mean `server.port`?"
    )
    assert error.param == "server.prot"


@pytest.mark.parametrize(
    ("text", "line", "guess"),
    [
        ("servr:\n  port: 1\n", 1, "Did you mean `server`?"),
        ("organs:\n  lm: {}\n", 2, "Did you mean `organs.llm`?"),
        ("organs:\n  llm:\n    use: llama_cpp\n    contxt_tokens: 1\n", 4, "Did you mean `organs.llm.context_tokens`?"),
        ("limits:\n  zzz: 1\n", 2, "Known here: limits.document_mb, "),
    ],
)
def test_unknown_names_are_guessed_at_every_level(wrong: Wrong, text: str, line: int, guess: str) -> None:
    error = wrong(text)
    assert error.code == "setting_unknown"
    assert f", line {line}: " in error.message
    assert guess in error.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server: {port: many}", "`server.port` must be a whole number, not `many`."),
        ("server: {port: 1.5}", "`server.port` must be a whole number, not `1.5`."),
        ("server: {port: true}", "`server.port` must be a whole number, not `True`."),
        ("server: {metrics_open: 1}", "`server.metrics_open` must be true or false, not `1`."),
        ("server: {host: [a]}", "`server.host` must be text, not `['a']`."),
        ("server: {cors_origins: [1]}", "`server.cors_origins` must be a list of text, not `[1]`."),
        ("chat: {temperature: warm}", "`chat.temperature` must be a number, not `warm`."),
        ("server: 8700", "`server` must hold keys of its own, not a single value."),
        ("organs: [llm]", "`organs` must hold keys of its own, not a single value."),
        ("organs: {llm: openai}", "`organs.llm` must hold keys of its own, not a single value."),
        ("organs: {llm: {threads: few}}", "`organs.llm.threads` must be a whole number, not `few`."),
    ],
)
def test_a_wrong_type_names_key_place_and_right_type(wrong: Wrong, text: str, said: str) -> None:
    error = wrong(text)
    assert error.code == "setting_type"
    assert error.message.endswith(f", line 1: {said}")


def test_a_secret_of_the_wrong_type_is_not_shown(wrong: Wrong) -> None:
    error = wrong("store: {url: [hunter2]}")
    assert error.code == "setting_type"
    assert "hunter2" not in str(error)


def test_a_key_that_stands_twice_is_an_error(wrong: Wrong) -> None:
    error = wrong("server:\n  port: 1\n  host: x\n  port: 2\n")
    assert "line 4: `port` stands twice." in error.message


@pytest.mark.parametrize("text", ["server: [", "a: b: c", "\tx: 1", "key: 'open", "- a\n- b\n", "just words"])
def test_what_is_not_a_mapping_in_yaml_is_named(wrong: Wrong, text: str, tmp_path: Path) -> None:
    error = wrong(text)
    assert error.code == "config_unreadable"
    assert str(tmp_path / "llmflow.yaml") in error.message


def test_bytes_that_are_not_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes("server: {host: 한글}".encode("euc-kr"))
    with pytest.raises(ConfigError) as caught:
        load(home=tmp_path, file=tmp_path / "bad.yaml", environ={})
    assert caught.value.code == "config_unreadable"


@pytest.mark.parametrize(
    "value", ["!!python/name:os.system ''", "!!python/object/apply:os.getcwd []", "!x y", "!!int abc", "2024-13-45"]
)
def test_yaml_makes_nothing_but_plain_values(wrong: Wrong, value: str) -> None:
    assert wrong(f"server: {{host: {value}}}").code in ("config_unreadable", "setting_type")


@pytest.mark.parametrize("text", ["server: &x {a: *x}", "? [a, b]\n: c", "? {a: b}\n: c"])
def test_strange_shapes_of_yaml_are_errors_not_crashes(wrong: Wrong, text: str) -> None:
    assert wrong(text).code == "config_unreadable"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server: {port: 70000}", "`server.port` must be between 0 and 65535, not `70000`."),
        ("server: {port: -1}", "`server.port` must be between 0 and 65535, not `-1`."),
        ("knowledge: {top_k: 0}", "`knowledge.top_k` must be between 1 and 100, not `0`."),
        ("limits: {document_mb: 0}", "`limits.document_mb` must be 1 or more, not `0`."),
        ("server: {log_level: loud}", "`server.log_level` must be one of debug, info, warning, error, not `loud`."),
    ],
)
def test_a_value_out_of_range_names_the_range(wrong: Wrong, text: str, said: str) -> None:
    error = wrong(text)
    assert error.code == "setting_value"
    assert error.message.endswith(f", line 1: {said}")


def test_the_command_line_is_checked_like_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(home=tmp_path, environ={}, overrides={"server.port": 70000})
    assert caught.value.message == "option --port: `server.port` must be between 0 and 65535, not `70000`."


def test_every_default_is_allowed(read: Load) -> None:
    for section, cls in SECTIONS.items():
        for f in dataclasses.fields(cls):
            if isinstance(f.default, int | float) and not isinstance(f.default, bool):
                assert f.metadata["least"] <= f.default <= f.metadata["most"], f"{section}.{f.name}"


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(home=tmp_path, file=tmp_path / "none.yaml", environ={})
    assert caught.value.code == "config_unreadable"
    with pytest.raises(ConfigError):
        load(home=tmp_path, environ={"LLMFLOW_CONFIG": str(tmp_path / "none.yaml")})


def test_the_working_folders_file_comes_before_the_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.chdir(work)
    assert load(home=home, environ={}).file is None
    (home / "llmflow.yaml").write_text("server: {port: 1}")
    assert load(home=home, environ={}).server.port == 1
    (work / "llmflow.yaml").write_text("server: {port: 2}")
    assert load(home=home, environ={}).server.port == 2


# references


def test_a_missing_secret_lists_every_place_that_was_tried(wrong: Wrong, tmp_path: Path) -> None:
    text = "organs:\n  llm:\n    use: openai\n    url: http://h/v1\n    api_key: ${OPENAI_KEY}\n"
    error = wrong(text)
    assert error.code == "secret_missing"
    assert error.message == (
        f"{tmp_path / 'llmflow.yaml'}, line 5: `organs.llm.api_key` needs ${{OPENAI_KEY}}, which is nowhere. Tried: "
        "environment variable OPENAI_KEY; environment variable OPENAI_KEY_FILE; "
        f"file {tmp_path / 'home' / 'secrets' / 'OPENAI_KEY'}."
    )
    error = wrong(text, OPENAI_KEY_FILE=str(tmp_path / "gone"))
    assert f"file {tmp_path / 'gone'}; file {tmp_path / 'home' / 'secrets' / 'OPENAI_KEY'}." in error.message


def test_a_secret_is_read_from_environment_then_named_file_then_home(read: Load, tmp_path: Path) -> None:
    text = "store: {url: 'postgresql://u:${PW}@h/d'}"
    secrets = tmp_path / "home" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "PW").write_text("from-home\n")
    (tmp_path / "pw").write_text("from-file\n")
    assert read(text).store.url == "postgresql://u:from-home@h/d"
    assert read(text, PW_FILE=str(tmp_path / "pw")).store.url == "postgresql://u:from-file@h/d"
    assert read(text, PW_FILE=str(tmp_path / "pw"), PW="from-env").store.url == "postgresql://u:from-env@h/d"


def test_a_secret_file_that_cannot_be_read_is_named_and_not_shown(wrong: Wrong, tmp_path: Path) -> None:
    path = tmp_path / "pw"
    path.write_bytes(b"geheim\xff")
    error = wrong("store: {url: '${PW}'}", PW_FILE=str(path))
    assert error.code == "config_unreadable"
    assert str(path) in error.message
    assert "geheim" not in str(error)


def test_a_reference_may_have_a_default(read: Load) -> None:
    assert read("server: {public_url: '${SITE:-https://a.b}'}").server.public_url == "https://a.b"
    assert read("server: {public_url: '${SITE:-}'}").server.public_url == ""
    assert read("server: {public_url: '${SITE:-x}'}", SITE="y").server.public_url == "y"
    assert read("server: {port: '${PORT:-9000}'}").server.port == 9000
    assert read("server: {cors_origins: ['${NET:-http://a}', b]}").server.cors_origins == ("http://a", "b")


def test_a_secret_in_settings_is_not_in_their_repr(read: Load) -> None:
    assert "hunter2" not in repr(read("", LLMFLOW_MASTER_KEY="hunter2"))


# the environment


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    file = tmp_path / "llmflow.yaml"
    file.write_text("server: {port: 1, host: a}")
    environ = {"LLMFLOW_SERVER_PORT": "2"}
    settings = load(home=tmp_path, file=file, environ=environ)
    assert (settings.server.port, settings.server.host) == (2, "a")
    settings = load(home=tmp_path, file=file, environ=environ, overrides={"server.port": 3, "server.host": None})
    assert (settings.server.port, settings.server.host) == (3, "a")


def test_the_environment_is_typed_too(read: Load, wrong: Wrong) -> None:
    settings = read(
        "",
        LLMFLOW_SERVER_METRICS_OPEN="false",
        LLMFLOW_SERVER_CORS_ORIGINS="10.0.0.0/8, intranet",
        LLMFLOW_CHAT_TEMPERATURE="0.5",
    )
    assert settings.server.metrics_open is False
    assert settings.server.cors_origins == ("10.0.0.0/8", "intranet")
    assert settings.chat.temperature == 0.5
    error = wrong("", LLMFLOW_SERVER_PORT="http")
    assert (
        error.message == "environment variable LLMFLOW_SERVER_PORT: `server.port` must be a whole number, not `http`."
    )


def test_the_home_is_the_option_then_the_variable_then_the_users(tmp_path: Path) -> None:
    assert home_folder(tmp_path, {"LLMFLOW_HOME": "/x"}) == tmp_path
    assert home_folder(None, {"LLMFLOW_HOME": str(tmp_path)}) == tmp_path
    assert home_folder(None, {}) == Path.home() / ".llmflow"
    assert home_folder("~/y", {}) == Path.home() / "y"


# organs


def test_an_organ_moves_in_one_line(read: Load) -> None:
    organ = read("organs: {llm: {use: openai, url: 'http://gpu:8000/v1', model: qwen3}}").organs["llm"]
    assert (organ.use, organ.option("llm", "url"), organ.option("llm", "model")) == (
        "openai",
        "http://gpu:8000/v1",
        "qwen3",
    )
    assert organ.option("llm", "context_tokens") == 8192


def test_an_unknown_adapter_names_the_nearest_or_all(wrong: Wrong) -> None:
    error = wrong("organs:\n  llm:\n    use: open_ai\n")
    assert error.code == "adapter_unknown"
    assert ", line 3: organs.llm has no adapter `open_ai`. Did you mean `openai`?" in error.message
    assert (
        "Known: llama_cpp, openai, vllm, anthropic, gemini, scripted; or module:Class."
        in wrong("organs: {llm: {use: zzzzz}}").message
    )


def test_a_missing_required_option_says_what_it_is(wrong: Wrong) -> None:
    error = wrong("organs:\n  llm:\n    use: openai\n")
    assert error.code == "config_invalid"
    assert "line 2: `organs.llm.url` is missing; `use: openai` needs it." in error.message
    assert error.param == "organs.llm.url"


def test_an_option_of_another_adapter_is_unknown(wrong: Wrong) -> None:
    assert wrong("organs: {llm: {use: llama_cpp, url: x}}").code == "setting_unknown"


def test_a_class_of_ones_own_takes_any_option(read: Load) -> None:
    organ = read("organs: {llm: {use: 'my.module:Model', size: 3, more: {key: '${K:-v}', list: [{a: 1}]}}}").organs[
        "llm"
    ]
    assert (organ.use, organ.options) == ("my.module:Model", {"size": 3, "more": {"key": "v", "list": [{"a": 1}]}})


def test_embedding_models_stand_beside_the_organ(read: Load, wrong: Wrong) -> None:
    text = 'embeddings:\n  before: {url: "http://old:7997", model: e5-base, api_key: "${KEY}"}\n  own: {use: e5}\n'
    settings = read(text, KEY="k")
    assert settings.embeddings["before"].use == "openai"
    assert settings.embeddings["before"].options == {"url": "http://old:7997", "model": "e5-base", "api_key": "k"}
    assert settings.embeddings["own"].use == "e5"
    assert wrong("embeddings:\n  before: {use: openai, model: m}\n").param == "embeddings.before.url"


def test_model_servers_and_routes_stand_beside_the_organs(read: Load, wrong: Wrong) -> None:
    text = """
servers:
  gpu-1: {url: "http://gpu-1:8000", api_key: "${KEY}"}
  self: {use: scripted, reply: 네}
models:
  smart:
    deployments: [{server: gpu-1, model: "${MODEL}", weight: 9}]
    fallbacks: [default]
"""
    settings = read(text, KEY="k", MODEL="qwen3")
    assert settings.servers["gpu-1"].use == "openai"
    assert settings.servers["gpu-1"].options == {"url": "http://gpu-1:8000", "api_key": "k"}
    assert settings.servers["self"].use == "scripted"
    deployments = [{"server": "gpu-1", "model": "qwen3", "weight": 9}]
    assert settings.models == {"smart": {"deployments": deployments, "fallbacks": ["default"]}}
    assert wrong("servers: {a: {urll: x}}").param == "servers.a.urll"
    assert wrong("servers: {a: {model: x}}").param == "servers.a.url"
    assert wrong("servers: {default: {url: 'http://x'}}").param == "servers.default"
    assert "models" in wrong("model: {}").message
