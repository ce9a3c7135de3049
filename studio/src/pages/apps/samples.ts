/** Programs that ask an app, ready to be pasted. The key stands in the environment, so that none ends in a repository. */

export const SAMPLES = ["curl", "python", "openai", "javascript"] as const;
export type Sample = (typeof SAMPLES)[number];

export function sampleOf(sample: Sample, server: string, app: string, question: string): string {
  const asked = JSON.stringify(question);
  const model = JSON.stringify(`app/${app}`);
  switch (sample) {
    case "curl":
      return `curl ${server}/v1/chat-messages \\
  -H "Authorization: Bearer $LLMFLOW_APP_KEY" \\
  -H "Content-Type: application/json" \\
  -d '${JSON.stringify({ inputs: {}, query: question, user: "employee-1", response_mode: "blocking" }).replaceAll("'", "'\\''")}'`;
    case "python":
      return `# pip install dify-client
import os

from dify_client import ChatClient

client = ChatClient(os.environ["LLMFLOW_APP_KEY"], base_url="${server}/v1")
answer = client.create_chat_message({}, ${asked}, "employee-1", response_mode="blocking")
answer.raise_for_status()
print(answer.json()["answer"])`;
    case "openai":
      return `# pip install openai
import os

from openai import OpenAI

client = OpenAI(api_key=os.environ["LLMFLOW_MODEL_KEY"], base_url="${server}/v1")
stream = client.chat.completions.create(
    model=${model},
    messages=[{"role": "user", "content": ${asked}}],
    stream=True,
)
for piece in stream:
    if piece.choices:
        print(piece.choices[0].delta.content or "", end="", flush=True)`;
    case "javascript":
      return `// On a server: a key in a browser is everybody's. For web pages, see Publish.
const answer = await fetch("${server}/v1/chat-messages", {
  method: "POST",
  headers: {
    Authorization: \`Bearer \${process.env.LLMFLOW_APP_KEY}\`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({ inputs: {}, query: ${asked}, user: "employee-1", response_mode: "blocking" }),
});
console.log((await answer.json()).answer);`;
  }
}
