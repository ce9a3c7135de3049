"""Knowledge bases, their documents and passages."""

from __future__ import annotations

import sqlalchemy as sa

from llmflow.store.tables.columns import content, count, flag, json, metadata, own_id, ref, text, time

knowledge_bases = sa.Table(
    "knowledge_bases",
    metadata,
    own_id(),
    ref("workspace_id"),
    sa.Column("name", sa.String(200), nullable=False),
    text("description", default=""),
    text("embedding_model"),  # of the index that serves
    text("next_model", default=""),  # that the base is being embedded anew with
    sa.Column("chunk_tokens", sa.Integer, nullable=False),
    sa.Column("overlap_tokens", sa.Integer, nullable=False),
    json("chunking", default="{}"),  # how its documents are cut
    json("retrieval", default="{}"),  # how it is searched unless a caller says otherwise
    json("groups", default="[]"),  # who may see its documents, unless a document says otherwise; none: everybody
    json("service", default="{}"),  # what clients of the Service API set, and are shown
    ref("created_by", null=True),  # an account or a key; NULL: unknown
    ref("external_api_id", null=True, index=True),  # of whose knowledge it is; it then has no documents of its own
    text("external_id", default=""),  # what that server calls it
    ref("pipeline_id", null=True, index=True),  # the app that reads and cuts its documents
    json("pipeline_inputs", default="{}"),  # what that app's form is given for documents that say nothing else
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

external_apis = sa.Table(
    "external_apis",  # servers of knowledge, by Dify's External Knowledge API
    metadata,
    own_id(),
    ref("workspace_id"),
    sa.Column("name", sa.String(100), nullable=False),
    text("url"),  # without /retrieval
    text("sealed_key", null=True),  # crypto.Cipher, purpose = external_apis/id
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

knowledge_fields = sa.Table(
    "knowledge_fields",  # what a base's documents say of themselves
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("knowledge_id"),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("type", sa.String(10), nullable=False),  # string, number, time
    time("created_at"),
    sa.UniqueConstraint("knowledge_id", "name"),
)

knowledge_tags = sa.Table(
    "knowledge_tags",
    metadata,
    own_id(),
    ref("workspace_id"),
    sa.Column("name", sa.String(50), nullable=False),
    time("created_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

tags_of_knowledge = sa.Table(
    "tags_of_knowledge",
    metadata,
    sa.Column("tag_id", sa.String(36), primary_key=True),
    sa.Column("knowledge_id", sa.String(36), primary_key=True, index=True),
    ref("workspace_id"),
)

documents = sa.Table(
    "documents",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("knowledge_id"),
    sa.Column("name", sa.String(500), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, index=True),  # of the bytes, in blobs
    sa.Column("size", sa.BigInteger, nullable=False),
    text("media_type", default=""),
    sa.Column("state", sa.String(12), nullable=False),  # queued, running, ready, failed, deleting
    sa.Column("stage", sa.String(12), nullable=False, server_default=""),  # knowledge.types.Stage
    count("done"),  # of the stage's units: pages or passages
    count("total"),
    ref("job_id", null=True, index=True),
    text("error_code", default=""),
    text("error_message", default=""),
    text("error_hint", default=""),
    json("warnings"),
    sa.Column("pages", sa.Integer, nullable=True),
    count("chunk_count"),
    count("token_count"),
    sa.Column("language", sa.String(8), nullable=False, server_default=""),
    flag("enabled", default=True),  # searched; one that is not stays as it is
    flag("archived", default=False),  # neither searched nor changed
    json("groups", default="[]"),  # who may see it; none: as the base says
    flag("regroup", default=False),  # the index does not know yet who may see it
    json("metadata", default="{}"),  # by the id of the base's field
    sa.Column("source", sa.String(20), nullable=False, server_default="upload"),
    text("source_ref", default=""),  # where its source has it
    json("chunking", default="{}"),  # how it is cut; {}: as the base says
    json("pipeline", default="{}"),  # what its base's pipeline is given with it; {}: as the base says
    count("word_count"),  # characters of its passages
    ref("created_by", null=True),  # an account or a key; NULL: unknown
    time("created_at"),
    time("updated_at"),
    time("indexed_at", null=True),
    sa.UniqueConstraint("knowledge_id", "name"),
    sa.Index("ix_documents_knowledge_id_created_at", "knowledge_id", "created_at"),
    sa.Index("ix_documents_state", "state"),
)

chunks = sa.Table(
    "chunks",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("knowledge_id", index=True),
    ref("document_id"),
    sa.Column("ordinal", sa.Integer, nullable=False),  # from 0, in reading order
    content("text"),
    sa.Column("tokens", sa.Integer, nullable=False),
    sa.Column("page", sa.Integer, nullable=True),
    sa.Column("page_end", sa.Integer, nullable=True),
    json("heading_path"),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("boxes", sa.JSON, nullable=False, server_default="[]"),  # ports.chunker.PageBox
    count("hit_count"),
    ref("parent_id", null=True),  # of a part that is searched in its stead; a chunk with parts is in no index itself
    content("answer", null=True),  # of a question
    json("keywords", default="[]"),
    flag("enabled", default=True),
    sa.Column("digest", sa.String(64), nullable=False, server_default=""),  # of what its document says here
    sa.Column("made", sa.String(8), nullable=False, server_default="cut"),  # cut, edited, added, removed
    ref("origin_id", null=True),  # the first of those that people merged into it or split off it
    time("edited_at", null=True),
    sa.Index("ix_chunks_document_id_ordinal", "document_id", "ordinal"),
)

#: What every search asks first. Each has an index that holds only the few rows it is true of: both databases take that
#: index for a query that says the same in the same words, and so read nothing of a base where all is open.
DOCUMENT_IS_OFF = sa.or_(documents.c.enabled.is_(False), documents.c.archived)
DOCUMENT_IS_CLOSED = sa.cast(documents.c.groups, sa.Text) != sa.literal_column("'[]'")  # to some
CHUNK_IS_OFF = chunks.c.enabled.is_(False)
for _name, _of, _true in (
    ("ix_documents_off", documents, DOCUMENT_IS_OFF),
    ("ix_documents_closed", documents, DOCUMENT_IS_CLOSED),
    ("ix_chunks_off", chunks, CHUNK_IS_OFF),
):
    sa.Index(_name, _of.c.knowledge_id, sqlite_where=_true, postgresql_where=_true)

unsettled_chunks = sa.Table(
    "unsettled_chunks",  # of which the index may say something else than `chunks`; also some that are gone there
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("knowledge_id"),
    ref("document_id", index=True),
)

written_pairs = sa.Table(
    "written_pairs",  # questions and answers that a model wrote from the parts of documents
    metadata,
    sa.Column("document_id", sa.String(36), primary_key=True),
    sa.Column("part", sa.String(64), primary_key=True),  # knowledge.pairs.write.key_of
    sa.Column("ordinal", sa.Integer, primary_key=True),  # from 0; of a part that answers nothing one without words
    ref("workspace_id"),
    ref("knowledge_id", index=True),
    sa.Column("document_digest", sa.String(64), nullable=False),  # of the bytes it was last read from
    text("model"),
    content("question"),
    content("answer"),
    time("created_at"),
)

reembeddings = sa.Table(
    "reembeddings",  # bases that are being embedded anew; knowledge.types.Reembedding
    metadata,
    sa.Column("knowledge_id", sa.String(36), primary_key=True),
    ref("workspace_id"),
    text("model"),
    sa.Column("state", sa.String(12), nullable=False),
    ref("job_id"),
    json("dropped"),
    text("error_code", default=""),
    text("error_message", default=""),
    text("error_hint", default=""),
    time("begun_at"),
    time("updated_at"),
)

vectors_due = sa.Table(
    "vectors_due",  # documents whose vectors of a model are still to be made
    metadata,
    sa.Column("document_id", sa.String(36), primary_key=True),
    sa.Column("model", sa.String(500), primary_key=True),
    ref("workspace_id"),
    ref("knowledge_id", index=True),
)

sources = sa.Table(
    "sources",  # where a base gets documents by itself; knowledge.sources.types.Source
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("knowledge_id"),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    json("settings"),
    text("sealed", default=""),  # secrets, encrypted
    count("every_minutes"),
    time("next_at", null=True),
    sa.Column("state", sa.String(12), nullable=False),
    text("job_id", default=""),
    json("reports"),
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("knowledge_id", "name"),
)

source_files = sa.Table(
    "source_files",  # what a source had when it was last looked at
    metadata,
    sa.Column("source_id", sa.String(36), primary_key=True),
    sa.Column("key", sa.String(64), primary_key=True),  # SHA-256 of `ref`, which may be long
    ref("workspace_id"),
    text("ref"),
    text("name"),
    text("stamp"),
    ref("document_id", null=True),
    text("error_code", default=""),
    text("error_message", default=""),
    text("error_hint", default=""),
    time("seen_at"),
)

retrieval_evaluations = sa.Table(
    "retrieval_evaluations",  # runs of questions that ask which way of searching a base finds what it should
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("knowledge_id", index=True),
    sa.Column("name", sa.String(200), nullable=False),  # of the file of questions
    sa.Column("state", sa.String(12), nullable=False),  # queued, running, done, failed, stopped
    ref("job_id"),
    count("total"),  # questions
    count("done"),
    count("left_out"),  # that could not be asked
    sa.Column("digest", sa.String(64), nullable=False),  # of the questions
    json("about"),  # the base as it was
    json("rules"),  # that are measured, by name
    json("notes"),  # what went without, counted by rule and code
    json("settings"),  # knowledge.evaluation.types.Setting: what was measured so far
    sa.Column("best", sa.String(12), nullable=False, server_default=""),
    text("error_code", default=""),
    text("error_message", default=""),
    text("error_hint", default=""),
    ref("key_id", null=True),  # who began it: a key
    ref("account_id", null=True),  # or a person
    time("created_at"),
    time("updated_at"),
)

retrieval_questions = sa.Table(
    "retrieval_questions",
    metadata,
    sa.Column("evaluation_id", sa.String(36), primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True),  # from 0
    ref("workspace_id"),
    content("question"),
    json("expected"),  # documents that answer it: id and name
    content("passage"),  # what stands there; "" where nobody says
    json("places"),  # knowledge.evaluation.types.Place by rule; {}: not asked yet
)
