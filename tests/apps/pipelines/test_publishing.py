"""A pipeline's knowledge base follows what its last node says, when that is put in force."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from llmflow.apps.designs.imports import Imported
from llmflow.apps.designs.publishing import Published, Publishing
from llmflow.apps.types import Design
from llmflow.errors import Forbidden, NotFound
from llmflow.gateway.asker import NOBODY, Asker, speak_for
from llmflow.knowledge import queries
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.index import Index
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.reembed import Reembeddings
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.types import KnowledgeBase
from llmflow.workflow.dsl.document import Document
from llmflow.workflow.dsl.document import document as document_of
from tests.apps.fakes import WORKSPACE, TermEmbedding, World
from tests.flow_apps import datasource, index, pipeline

FIRST = {"search_method": "semantic_search", "top_k": 3}


class Further(TermEmbedding):
    model = "further"


@pytest.fixture
def publishing(world: World, monkeypatch: pytest.MonkeyPatch) -> Publishing:
    """Where a further model is here."""
    monkeypatch.setattr("llmflow.knowledge.reembed._SEARCHES_END_S", 0.0)
    models = EmbeddingModels(TermEmbedding(), named={"further": Further()})
    over = Index(world.vectors, world.database)
    anew = Reembeddings(
        world.database, world.jobs, world.bases, models, over, world.vectors, Changes(), by_itself=False
    )
    return Publishing(world.room.designs, world.bases, anew)


async def imported(world: World, **said: Any) -> Imported:
    said = {"retrieval_model": FIRST, **said}
    nodes = (datasource("upload"), index("kept", "upload.file.filename", **said))
    made = await world.room.imports.make(WORKSPACE, pipeline("규정", nodes))
    assert made.base is not None
    world.base = made.base
    return made


async def published(world: World, publishing: Publishing, made: Imported, **said: Any) -> Published:
    """With the last node saying this besides."""
    version, design = await world.room.designs.draft(made.app)
    tree = _with(design.document, said)
    await world.room.designs.save_draft(made.app, Design(document_of(tree), design.bindings), seen_hash=version.hash)
    return await publishing.publish(made.app)


def _with(document: Document, said: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = document.tree
    for node in tree["workflow"]["graph"]["nodes"]:
        if node["data"]["type"] == "knowledge-index":
            node["data"].update(said)
    return tree


async def now(world: World) -> KnowledgeBase:
    return await world.bases.get(WORKSPACE, world.base.id)


def told(found: Published) -> Sequence[tuple[str, str, str, bool]]:
    return [(change.setting, change.old, change.new, change.is_done) for change in found.base_changes]


async def test_what_the_import_made_is_left_alone(world: World, publishing: Publishing) -> None:
    made = await imported(world)
    await world.bases.set_retrieval(world.base, SearchRule(top_k=9))
    assert (await publishing.publish(made.app)).base_changes == ()
    assert (await now(world)).retrieval["top_k"] == 9


async def test_the_base_is_searched_as_the_node_says_once_it_says_so(world: World, publishing: Publishing) -> None:
    made = await imported(world)
    await publishing.publish(made.app)
    wanted = {"search_method": "full_text_search", "top_k": 8}
    found = await published(world, publishing, made, retrieval_model=wanted)
    assert told(found) == [("retrieval_model", "semantic_search", "full_text_search", True)]
    base = await now(world)
    assert (base.retrieval["mode"], base.retrieval["top_k"]) == ("keyword", 8)
    assert base.service["retrieval_model"]["search_method"] == "full_text_search"
    await world.bases.set_retrieval(base, SearchRule(top_k=5))
    assert (await published(world, publishing, made, title="저장")).base_changes == ()
    assert (await now(world)).retrieval["top_k"] == 5
    cheap = await published(world, publishing, made, indexing_technique="economy")
    assert [change.setting for change in cheap.base_changes] == ["indexing_technique", "retrieval_model"]
    assert (await now(world)).retrieval == {"mode": "keyword", "top_k": 8}


async def test_another_structure_is_that_of_new_documents_and_says_what_stays(
    world: World, publishing: Publishing
) -> None:
    made = await imported(world)
    await publishing.publish(made.app)
    await world.learn("휴가.txt", "연차는 열다섯 날")
    found = await published(world, publishing, made, chunk_structure="hierarchical_model")
    assert told(found) == [("chunk_structure", "text_model", "hierarchical_model", True)]
    assert "1 that are there stay" in found.base_changes[0].text
    assert (await now(world)).service["doc_form"] == "hierarchical_model"


async def test_another_model_embeds_the_base_anew_and_then_serves(world: World, publishing: Publishing) -> None:
    made = await imported(world, embedding_model=TermEmbedding.model)
    assert (await publishing.publish(made.app)).base_changes == ()
    async with world.database.write() as connection:
        await queries.settle_model(connection, world.base.id, TermEmbedding.model)
    world.base = await now(world)
    await world.learn("휴가.txt", "연차는 열다섯 날", "병가는 예순 날")
    found = await published(world, publishing, made, embedding_model=Further.model)
    assert told(found) == [("embedding_model", TermEmbedding.model, Further.model, True)]
    assert found.base_changes[0].text.startswith("2 passages are embedded anew with further")
    async with asyncio.timeout(10):
        while (await now(world)).embedding_model != Further.model:
            await asyncio.sleep(0.01)
    assert len(await world.vectors.chunk_ids((await now(world)).collection)) == 2


async def test_an_empty_base_takes_the_model_at_once(world: World, publishing: Publishing) -> None:
    made = await imported(world, embedding_model=Further.model)
    found = await publishing.publish(made.app)
    assert told(found) == [("embedding_model", TermEmbedding.model, Further.model, True)]
    assert (await now(world)).embedding_model == Further.model


async def test_a_model_that_is_not_here_leaves_the_base_and_says_what_to_do(
    world: World, publishing: Publishing
) -> None:
    made = await imported(world, embedding_model="text-embedding-ada-002")
    assert (await publishing.publish(made.app)).base_changes == ()  # the import's report has said it
    found = await published(world, publishing, made, embedding_model="text-embedding-3-large")
    assert told(found) == [("embedding_model", "", "text-embedding-3-large", False)]
    assert "llmflow knowledge reembed" in found.base_changes[0].text
    assert (await now(world)).embedding_model == ""


async def test_who_does_not_see_the_base_does_not_publish_its_pipeline(world: World, publishing: Publishing) -> None:
    made = await imported(world)
    async with world.database.write() as connection:
        await queries.update_base(connection, world.base.id, groups=["임원"])
    speak_for(replace(NOBODY, workspace_id=WORKSPACE))
    with pytest.raises(Forbidden):
        await publishing.publish(made.app)
    with pytest.raises(NotFound):
        await world.room.designs.in_force(made.app)
    speak_for(Asker(workspace_id=WORKSPACE, groups=("임원",)))
    assert (await publishing.publish(made.app)).version.number == 1
    speak_for(NOBODY)
