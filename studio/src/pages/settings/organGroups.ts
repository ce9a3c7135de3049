/** How the organs are grouped on their page, and the lines of llmflow.yaml that move one to a server of its own. */

export const GROUPS = [
  { id: "answers", ports: ["llm", "embedding", "speech", "rerank"] },
  { id: "documents", ports: ["parser", "chunker", "vector_store", "graph_store", "blobs"] },
  { id: "platform", ports: ["jobs", "sandbox", "identity", "tracing"] },
] as const;

const LINES: Readonly<Record<string, string>> = {
  llm: "organs:\n  llm:\n    use: openai\n    url: http://models.example:8000/v1\n    model: NAME",
  embedding: "organs:\n  embedding:\n    use: openai\n    url: http://models.example:8000/v1\n    model: NAME",
  speech: "organs:\n  speech:\n    use: openai\n    url: http://models.example:8000/v1\n    hears: NAME\n    speaks: NAME",
  sandbox: "organs:\n  sandbox:\n    use: dify_sandbox\n    url: http://sandbox.example:8194\n    api_key: KEY",
  jobs: "store:\n  url: postgresql://user:password@db.example/llmflow",
};

/** The lines; undefined: this version has no remote kind of it, or it is remote already. */
export function remoteLines(port: string, kind: string): string | undefined {
  return kind === "remote" ? undefined : LINES[port];
}
