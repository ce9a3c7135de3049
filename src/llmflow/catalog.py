"""Pure data: which adapters each organ can use. `use: NAME` in llmflow.yaml names a row; docs/organs.md lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["embedded", "managed", "remote", "fake"]


@dataclass(frozen=True, slots=True)
class Option:
    """A key that stands beside `use:`. A `required` one has no default."""

    name: str
    type: type
    default: Any
    help: str
    required: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Adapter:
    """`target`: module:class, imported when first used. `extra`: the pip extra that brings its library. `server`: the
    recipe of the managed server it talks to; its options that the recipe knows too go to that server."""

    port: str
    name: str
    kind: Kind
    target: str
    summary: str
    options: tuple[Option, ...] = ()
    extra: str | None = None
    image: str | None = None
    server: str | None = None
    default_port: int | None = None


def _url(example: str) -> Option:
    return Option("url", str, "", f"Base address, for example {example}", required=True)


_API_KEY = Option("api_key", str, "", "Bearer key of the server; ${VAR} reads it from the environment", secret=True)
_TIMEOUT = Option("timeout_s", float, 120.0, "Seconds without an answer (or without its next piece) until it fails")

#: All of them come with LLMFlow.
PACKAGES = "beautifulsoup4, httpx, jinja2, lxml, numpy, pandas, python-dateutil, pyyaml, regex, requests, tzdata"

#: The model of the embedded default.
PACKAGED_EMBEDDING = "multilingual-e5-small"

ADAPTERS: tuple[Adapter, ...] = (
    Adapter(
        "llm",
        "llama_cpp",
        "embedded",
        "llmflow.organs.llm.llama_cpp:LlamaCppLlm",
        "llama.cpp on this machine, in a child process: the packaged SmolLM2-135M, or any GGUF file",
        (
            Option("path", str, "", "A GGUF file; empty: the packaged model"),
            Option("model", str, "", "Name it is served under; empty: the file's own"),
            Option("context_tokens", int, 2048, "Context window in tokens"),
            Option("threads", int, 0, "Threads; 0: cores - 1"),
            Option("gpu_layers", int, 0, "Layers on the GPU, where the runtime was built for one"),
            Option("languages", str, "", "Languages the model reads, by comma; empty: any (the packaged model: en)"),
        ),
    ),
    Adapter(
        "llm",
        "openai",
        "remote",
        "llmflow.organs.llm.openai:OpenAILlm",
        "Any OpenAI-compatible server: vLLM, Ollama, LM Studio, a provider",
        (
            _url("http://127.0.0.1:11434/v1"),
            Option("model", str, "", "The default model; empty: the first one the server lists"),
            _API_KEY,
            Option("context_tokens", int, 8192, "Context window in tokens, where the server does not say"),
            Option("vision", bool, False, "Whether its models see images, where the server does not say"),
            _TIMEOUT,
        ),
        default_port=8000,
    ),
    Adapter(
        "llm",
        "vllm",
        "managed",
        "llmflow.organs.llm.vllm:VllmLlm",
        "vLLM, installed and run by LLMFlow: `llmflow organs install vllm`, then this line",
        (
            Option("model", str, "", "A packaged model, a folder of safetensors, or a name at Hugging Face"),
            Option("context_tokens", int, 2048, "Context window in tokens"),
            Option("arguments", str, "", "Further options of `vllm serve`, as on a command line"),
            _TIMEOUT,
        ),
        server="vllm",
    ),
    Adapter(
        "llm",
        "anthropic",
        "remote",
        "llmflow.organs.llm.anthropic:AnthropicLlm",
        "Anthropic's Messages API, and servers that speak it",
        (
            Option("url", str, "https://api.anthropic.com", "Base address"),
            Option("model", str, "", "The default model; empty: the first one it lists"),
            _API_KEY,
            Option("context_tokens", int, 200_000, "Context window in tokens"),
            _TIMEOUT,
        ),
    ),
    Adapter(
        "llm",
        "gemini",
        "remote",
        "llmflow.organs.llm.gemini:GeminiLlm",
        "Google's Gemini API (generateContent), and servers that speak it",
        (
            Option("url", str, "https://generativelanguage.googleapis.com", "Base address"),
            Option("model", str, "", "The default model; empty: the first one it lists"),
            _API_KEY,
            Option("context_tokens", int, 1_000_000, "Context window in tokens, where it does not say"),
            _TIMEOUT,
        ),
    ),
    Adapter(
        "llm",
        "scripted",
        "fake",
        "llmflow.organs.llm.scripted:ScriptedLlm",
        "A fake for tests and benchmarks: repeats a reply, token by token",
        (
            Option("reply", str, "", "What it answers; empty: the last user message"),
            Option("delay_ms", float, 0.0, "Pause between tokens"),
            Option("context_tokens", int, 8192, "Context window in tokens it claims to have"),
            Option("vision", bool, False, "Whether it claims to see images"),
        ),
    ),
    Adapter(
        "embedding",
        "e5",
        "embedded",
        "llmflow.organs.embedding.e5:E5Embedding",
        "multilingual-e5-small in this process (Korean, English, 90 more), 384 dimensions",
        (
            Option(
                "processes", int, 0, "Child processes that embed passages, a core each; 0: as many as there are cores"
            ),
        ),
    ),
    Adapter(
        "embedding",
        "openai",
        "remote",
        "llmflow.organs.embedding.openai:OpenAIEmbedding",
        "Any OpenAI-compatible /v1/embeddings server: vLLM, Infinity, TEI, Ollama, a provider",
        (
            _url("http://127.0.0.1:7997"),
            Option("model", str, "", "Model name", required=True),
            _API_KEY,
            Option("dimensions", int, 0, "Vector length; 0: as the server says"),
            Option("max_tokens", int, 512, "Longest passage the model reads, in tokens"),
            Option("query_prefix", str, "", "Put before a query, as the model card says"),
            Option("passage_prefix", str, "", "Put before a passage"),
            Option("batch", int, 64, "Texts in one request"),
            _TIMEOUT,
        ),
        default_port=7997,
    ),
    Adapter(
        "embedding",
        "infinity",
        "managed",
        "llmflow.organs.embedding.infinity:InfinityEmbedding",
        "Infinity, installed and run by LLMFlow: `llmflow organs install infinity`, then this line",
        (
            Option("model", str, "", "The packaged MiniLM (English), a folder, or a name at Hugging Face"),
            Option("arguments", str, "", "Further options of `infinity_emb v2`, as on a command line"),
            Option("max_tokens", int, 256, "Longest passage the model reads, in tokens"),
            Option("query_prefix", str, "", "Put before a query, as the model card says"),
            Option("passage_prefix", str, "", "Put before a passage"),
            Option("batch", int, 64, "Texts in one request"),
            _TIMEOUT,
        ),
        server="infinity",
    ),
    Adapter(
        "embedding",
        "hashing",
        "fake",
        "llmflow.organs.embedding.hashing:HashingEmbedding",
        "A fake for tests and benchmarks: hashed words, no model",
        (Option("dimensions", int, 384, "Vector length"),),
    ),
    Adapter(
        "embedding",
        "tei",
        "remote",
        "llmflow.organs.embedding.tei:TeiEmbedding",
        "Text Embeddings Inference by its own protocol",
        (
            _url("http://127.0.0.1:8080"),
            _API_KEY,
            Option("query_prompt", str, "", "Name of the model's prompt for queries; empty: none"),
            Option("passage_prompt", str, "", "Name of the model's prompt for passages; empty: none"),
            _TIMEOUT,
        ),
        default_port=8080,
    ),
    Adapter(
        "rerank",
        "none",
        "embedded",
        "llmflow.organs.rerank.none:NoRerank",
        "No reranker: passages keep the order of retrieval",
    ),
    Adapter(
        "rerank",
        "tei",
        "remote",
        "llmflow.organs.rerank.tei:TeiRerank",
        "Text Embeddings Inference with a reranker",
        (_url("http://127.0.0.1:8080"), _API_KEY, _TIMEOUT),
        default_port=8080,
    ),
    Adapter(
        "rerank",
        "cohere",
        "remote",
        "llmflow.organs.rerank.cohere:CohereRerank",
        "Any server with Cohere's /rerank: Cohere, Jina, Infinity, vLLM",
        (
            _url("http://127.0.0.1:7997"),
            Option("model", str, "", "Model name", required=True),
            _API_KEY,
            Option("batch", int, 128, "Texts in one request"),
            _TIMEOUT,
        ),
        default_port=7997,
    ),
    Adapter(
        "rerank",
        "overlap",
        "fake",
        "llmflow.organs.rerank.overlap:OverlapRerank",
        "A fake for tests: counts the words that question and text share",
    ),
    Adapter(
        "speech",
        "none",
        "embedded",
        "llmflow.organs.speech.silent:SilentSpeech",
        "No speech: apps that listen or speak say that it is not set up",
    ),
    Adapter(
        "speech",
        "openai",
        "remote",
        "llmflow.organs.speech.openai:OpenAISpeech",
        "Any server of OpenAI's audio protocol: Speaches, faster-whisper-server, LocalAI, vLLM, a provider",
        (
            _url("http://127.0.0.1:8000/v1"),
            Option("hears", str, "", "The model that writes down recordings; empty: none does"),
            Option("speaks", str, "", "The model that reads text aloud; empty: none does"),
            Option("voice", str, "alloy", "The voice, where an app names none"),
            _API_KEY,
            _TIMEOUT,
        ),
        default_port=8000,
    ),
    Adapter(
        "speech",
        "scripted",
        "fake",
        "llmflow.organs.speech.scripted:ScriptedSpeech",
        "A fake for tests: hears and speaks bytes",
        (Option("heard", str, "", "What it hears; empty: the recording's bytes as text"),),
    ),
    Adapter(
        "vector_store",
        "lancedb",
        "embedded",
        "llmflow.organs.vector_store.lancedb:LanceVectorStore",
        "LanceDB in a folder of the home",
        (Option("path", str, "", "The folder; empty: vectors/ in the home"),),
    ),
    Adapter(
        "vector_store",
        "milvus_lite",
        "embedded",
        "llmflow.organs.vector_store.milvus_lite:MilvusLiteVectorStore",
        "Milvus Lite in a folder of the home: small bases, and trying what [Milvus](milvus.md) does",
        (Option("path", str, "", "The folder its own lies in; empty: vectors/ in the home"),),
        extra="milvus",
    ),
    Adapter(
        "vector_store",
        "milvus",
        "remote",
        "llmflow.organs.vector_store.milvus:MilvusVectorStore",
        "A Milvus server, standalone, distributed or hosted ([Milvus](milvus.md) says how to size it)",
        (
            _url("http://127.0.0.1:19530"),
            Option("token", str, "", "user:password or an API key; ${VAR} reads it from the environment", secret=True),
            Option("database", str, "", "Milvus's database; empty: its default one"),
            Option("ca_path", str, "", "Certificate of the authority that signed the server's, for https"),
            Option(
                "index",
                str,
                "HNSW",
                "Index of the vectors: HNSW, HNSW_SQ, IVF_FLAT, IVF_SQ8, IVF_PQ, IVF_RABITQ, SCANN, DISKANN, GPU_CAGRA,"
                " FLAT or AUTOINDEX. This and all up to `replicas` count for collections made afterwards",
            ),
            Option("build", str, "", "Parameters of building it, for example: M=32, efConstruction=400; empty: ours"),
            Option("search", str, "", "Parameters of searching it, for example: ef=128; empty: ours. Counts at once"),
            Option("metric", str, "cosine", "cosine, ip or l2; the scores are cosines with each"),
            Option("shards", int, 1, "Shards of a collection: how many nodes take in writes side by side"),
            Option("partitions", int, 0, "Partitions by document, so that a search in some reads few; 0: none"),
            Option("replicas", int, 1, "Copies in memory, each on query nodes of its own"),
            Option(
                "consistency",
                str,
                "session",
                "session: a search sees all that LLMFlow wrote; strong: all that anybody did; bounded, eventually:"
                " quicker, and late by seconds",
            ),
            Option("timeout_s", float, 30.0, "Seconds without an answer until a call fails"),
        ),
        extra="milvus",
        image="milvusdb/milvus",
        default_port=19530,
    ),
    Adapter(
        "vector_store",
        "memory",
        "fake",
        "llmflow.organs.vector_store.memory:MemoryVectorStore",
        "A fake for tests: exact search in memory, gone with the process",
    ),
    Adapter(
        "parser",
        "local",
        "embedded",
        "llmflow.organs.parser.local:LocalParser",
        "Unstructured for Office, HTML and mail; our PDF page reader; Tesseract for scans; in child processes",
        (
            Option("ocr_languages", str, "kor+eng", "Tesseract language codes"),
            Option("workers", int, 1, "Child processes that read files"),
        ),
    ),
    Adapter(
        "parser",
        "unstructured",
        "remote",
        "llmflow.organs.parser.unstructured_api:UnstructuredParser",
        "PDFs by a server of Unstructured's API, everything else as `local` reads it",
        (
            _url("http://127.0.0.1:8000"),
            _API_KEY,
            Option("strategy", str, "auto", "How it reads PDFs: auto, fast, hi_res or ocr_only"),
            Option("languages", str, "kor,eng", "Languages of the documents as Tesseract's codes, by comma"),
            Option("workers", int, 1, "Child processes that read the other files on this machine"),
            Option("timeout_s", float, 600.0, "Seconds that reading a PDF may take"),
        ),
        default_port=8000,
    ),
    Adapter(
        "parser",
        "unstructured_managed",
        "managed",
        "llmflow.organs.parser.unstructured_managed:ManagedUnstructured",
        "Unstructured, installed and run by LLMFlow: `llmflow organs install unstructured`, then this line",
        (
            Option("model", str, "", "The packaged layout model, a folder, or unstructuredio/yolo_x_layout"),
            Option("strategy", str, "hi_res", "How it reads PDFs: auto, fast, hi_res or ocr_only"),
            Option("languages", str, "kor,eng", "Languages of the documents as Tesseract's codes, by comma"),
            Option("workers", int, 1, "Child processes that read the other files on this machine"),
            Option("timeout_s", float, 1800.0, "Seconds that reading a PDF may take"),
        ),
        server="unstructured",
    ),
    Adapter(
        "chunker",
        "llamaindex",
        "embedded",
        "llmflow.organs.chunker.llamaindex:LlamaIndexChunker",
        "LlamaIndex node parsers, sizes in tokens of the embedding vocabulary",
    ),
    Adapter(
        "sandbox",
        "bubblewrap",
        "embedded",
        "llmflow.organs.sandbox.bubblewrap:BubblewrapSandbox",
        "Code in Linux namespaces of its own on this machine: Python, and JavaScript by QuickJS",
        (
            Option("seconds", float, 15.0, "Seconds that one call may take"),
            Option("memory_mb", int, 512, "Memory that one call may take in MB, and a quarter as much in /tmp"),
            Option("output_mb", int, 8, "Largest result of one call in MB"),
            Option("concurrency", int, 4, "Calls at once; further ones wait"),
            Option("packages", str, PACKAGES, "Installed packages that Python code may import, by comma"),
        ),
    ),
    Adapter(
        "sandbox",
        "dify_sandbox",
        "remote",
        "llmflow.organs.sandbox.dify_sandbox:DifySandbox",
        "A dify-sandbox server: Python and Node.js with what is installed there",
        (
            _url("http://127.0.0.1:8194"),
            Option(
                "api_key", str, "dify-sandbox", "The server's key; ${VAR} reads it from the environment", secret=True
            ),
            Option("network", bool, False, "Let code reach the network, where that server allows it"),
            Option("seconds", float, 60.0, "Seconds without an answer until a call fails"),
        ),
        default_port=8194,
    ),
    Adapter(
        "jobs",
        "dbos",
        "embedded",
        "llmflow.organs.jobs.dbos:DbosJobs",
        "DBOS, durable on SQLite or PostgreSQL",
    ),
    Adapter(
        "jobs",
        "memory",
        "fake",
        "llmflow.organs.jobs.memory:MemoryJobs",
        "A fake for tests: jobs die with the process",
    ),
    Adapter(
        "blobs",
        "folder",
        "embedded",
        "llmflow.organs.blobs.folder:FolderBlobs",
        "A folder, content-addressed",
        (Option("path", str, "", "The folder; empty: blobs/ in the home"),),
    ),
    Adapter(
        "identity",
        "local",
        "embedded",
        "llmflow.organs.identity.local:LocalIdentity",
        "Accounts in the database, passwords hashed with argon2id",
    ),
    Adapter(
        "tracing",
        "store",
        "embedded",
        "llmflow.organs.tracing.store:StoreTracing",
        "Spans into the database",
    ),
)

#: What an empty llmflow.yaml uses.
DEFAULTS: dict[str, str] = {
    "llm": "llama_cpp",
    "embedding": "e5",
    "rerank": "none",
    "speech": "none",
    "vector_store": "lancedb",
    "parser": "local",
    "chunker": "llamaindex",
    "sandbox": "bubblewrap",
    "jobs": "dbos",
    "blobs": "folder",
    "identity": "local",
    "tracing": "store",
}

PORTS: tuple[str, ...] = tuple(DEFAULTS)


def adapters_of(port: str) -> tuple[Adapter, ...]:
    return tuple(adapter for adapter in ADAPTERS if adapter.port == port)


def find(port: str, name: str) -> Adapter | None:
    return next((adapter for adapter in adapters_of(port) if adapter.name == name), None)
