/** The lines of llmflow.yaml that connect a model server that was found. */
export function modelLines(server: Readonly<Record<string, unknown>>): string {
  const models: unknown[] = Array.isArray(server.models) ? server.models : [];
  const lines = ["organs:", "  llm:", "    use: openai", `    url: ${String(server.url)}`];
  if (models.length > 0) lines.push(`    model: ${String(models[0])}`);
  return lines.join("\n");
}
