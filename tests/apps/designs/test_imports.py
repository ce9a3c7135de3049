"""Apps from DSL files and back: names, mappings, publishing, and that an export says what was imported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from llmflow.apps.designs.exports import exported
from llmflow.apps.designs.imports import Imported, Mapped
from llmflow.apps.types import ChatConfig
from llmflow.errors import Conflict, NotFound, UsageError
from llmflow.workflow.dsl.document import document
from llmflow.workflow.dsl.write import portable, write
from tests.apps.fakes import WORKSPACE, World
from tests.workflow.dsl.dify_fields import faults
from tests.workflow.dsl.files import ALL, FOLDER, tree_of

CHAT = FOLDER / "helpdesk-chat.yml"
GRAPH = FOLDER / "휴가-안내.yml"
DATASET = "11111111-2222-4333-8444-555555555555"
SEALED = "bm90LXJlYWxseS1hLWRhdGEtc2V0LWlkLWJ1dC1sb25nLWVub3VnaC0wMTIz"


async def make(world: World, path: Path, **options: object) -> Imported:
    return await world.room.imports.make(WORKSPACE, path.read_bytes(), **options)  # type: ignore[arg-type]


async def test_every_file_imports_and_its_export_says_the_same(world: World) -> None:
    for path in ALL:
        made = await make(world, path, publish=True)
        tree = tree_of(path.read_bytes())
        _, design = await world.room.designs.draft(made.app)
        again = tree_of(write(exported(made.app, design)))
        assert again == portable(tree), path.name
        assert faults(again) == [], path.name
        assert made.report, path.name
        assert (made.published is not None) == document(tree).has_graph, path.name
        if made.published is not None:
            assert (await world.room.plans.in_force(made.app)).version.id == made.published.id, path.name


async def test_an_app_gets_the_files_name_with_a_number_where_it_is_taken(world: World) -> None:
    first, second = await make(world, GRAPH), await make(world, GRAPH)
    assert (first.app.name, second.app.name) == ("휴가 안내", "휴가 안내 (2)")
    assert first.app.mode == "advanced-chat"
    assert first.app.description.startswith("사내 휴가 규정")
    assert (await make(world, GRAPH, name="내 앱")).app.name == "내 앱"
    with pytest.raises(Conflict):
        await make(world, GRAPH, name="내 앱")
    with pytest.raises(UsageError):
        await make(world, GRAPH, name="a/b")


@pytest.mark.parametrize(
    ("name", "ours"),
    [("a/b", "a-b"), ("", "Imported app"), ("   ", "Imported app"), ("가" * 300, "가" * 200), ("a\n b", "a b")],
)
async def test_names_that_an_app_cannot_have_are_made_to_fit(world: World, name: str, ours: str) -> None:
    tree = tree_of(CHAT.read_bytes())
    tree["app"]["name"] = name
    made = await world.room.imports.make(WORKSPACE, write(tree))
    assert made.app.name == ours
    _, design = await world.room.designs.draft(made.app)
    assert exported(made.app, design)["app"]["name"] == name


async def test_an_app_is_published_only_when_asked(world: World) -> None:
    made = await make(world, GRAPH)
    assert made.published is None
    with pytest.raises(NotFound) as caught:
        await world.room.plans.in_force(made.app)
    assert caught.value.code == "not_published"


async def test_data_sets_and_models_are_mapped_by_name_and_the_rest_is_told(world: World) -> None:
    mapped = Mapped({SEALED: world.base.name}, {"gpt-4o-mini": "scripted", "claude": ""})
    made = await make(world, GRAPH, mapped=mapped, publish=True)
    codes = {code for item in made.report for code in item.codes}
    assert not codes & {"dataset_unmapped", "model_default"}
    nodes = {node.id: node.data for node in (await world.room.plans.in_force(made.app)).document.nodes}
    assert nodes["find"]["dataset_ids"] == [world.base.id]
    assert nodes["say"]["model"]["name"] == "scripted"
    assert [note for note in made.notes if "no model `claude`" in note]


async def test_a_model_that_is_not_here_becomes_the_default(world: World) -> None:
    made = await make(world, GRAPH, publish=True)
    nodes = {node.id: node.data for node in (await world.room.plans.in_force(made.app)).document.nodes}
    assert nodes["say"]["model"]["name"] == ""


async def test_a_mapping_to_what_is_not_here_makes_no_app(world: World) -> None:
    for mapped in (Mapped({SEALED: "nowhere"}), Mapped({}, {"gpt-4o-mini": "nothing"})):
        with pytest.raises(NotFound):
            await make(world, GRAPH, mapped=mapped)
    assert [app.name for app in await world.room.catalogue.all(WORKSPACE)] == [world.app.name]


async def test_the_plugins_and_empty_secrets_of_a_file_are_told(world: World) -> None:
    exported_elsewhere = write(tree_of(GRAPH.read_bytes()))
    notes = " ".join((await world.room.imports.make(WORKSPACE, exported_elsewhere)).notes)
    assert "langgenius/openai:0.2.6" in notes
    assert "set them in the draft: desk_key" in notes


async def test_a_chat_app_answers_with_what_the_file_says(world: World) -> None:
    made = await make(world, CHAT, mapped=Mapped({DATASET: world.base.name}))
    config = made.app.config
    assert config.knowledge == (world.base.id,)
    assert config.instruction == "You help the {{team}} team. Be brief."
    assert (config.opening_statement, config.suggested_questions) == ("무엇을 도와드릴까요?", ("연차는 며칠인가요?",))
    assert (config.model, config.top_k, config.suggested_questions_after_answer) == ("", 3, True)
    assert config.user_input_form[0]["text-input"]["variable"] == "team"


async def test_what_was_changed_here_is_in_the_export_and_nothing_else_moves(world: World) -> None:
    made = await make(world, CHAT, mapped=Mapped({DATASET: world.base.name}))
    config = replace(
        made.app.config,
        instruction="친절하게.",
        suggested_questions=("휴가?",),
        knowledge=(),
        model="scripted",
        top_k=7,
    )
    app = await world.room.catalogue.update(WORKSPACE, made.app.id, name="안내원", description="새 설명", config=config)
    _, design = await world.room.designs.draft(app)
    tree, expected = exported(app, design), tree_of(CHAT.read_bytes())
    expected["app"] |= {"name": "안내원", "description": "새 설명"}
    expected["model_config"] |= {"pre_prompt": "친절하게.", "suggested_questions": ["휴가?"]}
    expected["model_config"]["dataset_configs"] |= {"datasets": {"datasets": []}, "top_k": 7}
    expected["model_config"]["model"] |= {"provider": "", "name": "scripted"}
    assert tree == expected
    assert faults(tree) == []


async def test_a_chat_app_made_here_is_exported_and_comes_back_the_same(world: World) -> None:
    config = ChatConfig(
        knowledge=(world.base.id,),
        instruction="짧게 답하세요.",
        opening_statement="안녕하세요",
        suggested_questions=("하나", "둘"),
        retriever_resource=False,
        top_k=4,
        icon="📘",
    )
    app = await world.room.catalogue.create(WORKSPACE, "만든 앱", config, description="설명")
    text = write(exported(app, None))
    assert faults(tree_of(text)) == []
    again = await world.room.imports.make(WORKSPACE, text)
    assert again.app.config == config
    assert (again.app.mode, again.app.description) == ("chat", "설명")


@pytest.mark.parametrize(
    ("icon", "kind"), [("exploding_head", "emoji"), ("https://a.example/b.png", "link"), ("", None)]
)
async def test_an_icon_that_is_no_emoji_is_kept_and_not_shown(world: World, icon: str, kind: str | None) -> None:
    tree = tree_of(GRAPH.read_bytes())
    tree["app"] |= {"icon": icon, "icon_type": kind}
    made = await world.room.imports.make(WORKSPACE, write(tree))
    assert made.app.config.icon == ChatConfig().icon
    _, design = await world.room.designs.draft(made.app)
    assert exported(made.app, design)["app"] == tree["app"]


async def test_an_experts_prompt_is_run_as_it_is_and_shown_by_its_system_messages(world: World) -> None:
    tree = tree_of(CHAT.read_bytes())
    prompt = [{"role": "system", "text": "규칙 하나."}, {"role": "user", "text": "{{#query#}}"}]
    tree["model_config"] |= {"prompt_type": "advanced", "chat_prompt_config": {"prompt": prompt}}
    made = await world.room.imports.make(WORKSPACE, write(tree))
    assert made.app.config.instruction == "규칙 하나."
    assert {item.status for item in made.report if item.type == "prompt"} == {"exact"}


async def test_a_file_replaces_the_draft_of_an_app_of_its_mode(world: World) -> None:
    made = await make(world, GRAPH, publish=True)
    tree = tree_of(GRAPH.read_bytes())
    tree["workflow"]["features"]["opening_statement"] = "바뀐 인사"
    again = await world.room.imports.make(WORKSPACE, write(tree), into=made.app)
    assert again.app.id == made.app.id
    assert again.app.config.opening_statement == "바뀐 인사"
    assert len(await world.room.designs.versions(made.app)) == 1
    with pytest.raises(Conflict) as caught:
        await make(world, CHAT, into=made.app)
    assert caught.value.code == "mode_differs"


async def test_a_deleted_apps_designs_are_gone(world: World) -> None:
    made = await make(world, GRAPH, publish=True)
    await world.room.catalogue.delete(WORKSPACE, made.app.id)
    with pytest.raises(NotFound):
        await world.room.designs.draft(made.app)
    assert await world.room.designs.versions(made.app) == []


async def test_a_version_is_compiled_once_and_a_draft_anew(world: World) -> None:
    made = await make(world, GRAPH, publish=True)
    plans = world.room.plans
    assert await plans.in_force(made.app) is await plans.in_force(made.app)
    assert await plans.draft(made.app) is not await plans.draft(made.app)
    assert made.published is not None
    plans.forget(made.published)
    other = (await make(world, GRAPH)).app
    with pytest.raises(NotFound):
        await plans.version(other, made.published.id)


async def test_a_pipeline_comes_with_a_base_and_nothing_is_left_of_one_that_cannot(world: World) -> None:
    path = FOLDER / "규정-파이프라인.yml"
    first, second = await make(world, path, publish=True), await make(world, path)
    assert first.base is not None and second.base is not None
    assert (first.base.name, first.base.pipeline_id) == ("규정 파이프라인", first.app.id)
    assert (second.base.name, second.app.name) == ("규정 파이프라인 (2)", "규정 파이프라인 (2)")
    assert first.base.retrieval["top_k"] == 7
    compiled = await world.room.plans.in_force(first.app)
    assert [field.variable for field in compiled.form] == ["delimiter", "max_chunk_length"]
    with pytest.raises(Conflict, match="규정 파이프라인"):
        await world.room.catalogue.delete(WORKSPACE, first.app.id)
    before = {app.id for app in await world.room.catalogue.all(WORKSPACE)}
    endless = path.read_bytes().replace(b"type: knowledge-index", b"type: end")
    with pytest.raises(UsageError, match="knowledge-index"):
        await world.room.imports.make(WORKSPACE, endless)
    assert {app.id for app in await world.room.catalogue.all(WORKSPACE)} == before
    assert all(tool.spec.ref.provider_id != first.app.id for tool in await world.room.toolbox.all(WORKSPACE))
