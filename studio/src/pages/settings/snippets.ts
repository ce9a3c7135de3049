/** Lines to paste for a key that was made just now: how a program uses it. */

import type { KeyKind } from "@/api/client";

export interface Snippet {
  readonly id: "curl" | "python" | "dify";
  /** Names of programs: the same in every language. */
  readonly label: string;
  readonly text: string;
}

/** `origin`: where programs reach this server. `question` is in the reader's language. */
export function snippetsOf(kind: KeyKind, token: string, origin: string, question: string): Snippet[] {
  const auth = `-H "Authorization: Bearer ${token}"`;
  const json = '-H "Content-Type: application/json"';
  switch (kind) {
    case "app":
      return [
        {
          id: "curl",
          label: "curl",
          text: [
            `curl ${origin}/v1/chat-messages \\`,
            `  ${auth} \\`,
            `  ${json} \\`,
            `  -d '{"inputs": {}, "query": "${question}", "response_mode": "blocking", "user": "kim"}'`,
          ].join("\n"),
        },
        {
          id: "dify",
          label: "Python, dify-client",
          text: [
            "from dify_client import ChatClient  # pip install dify-client",
            "",
            `client = ChatClient("${token}")`,
            `client.base_url = "${origin}/v1"`,
            `answer = client.create_chat_message({}, "${question}", user="kim", response_mode="blocking")`,
            'print(answer.json()["answer"])',
          ].join("\n"),
        },
      ];
    case "model":
      return [
        {
          id: "curl",
          label: "curl",
          text: [
            `curl ${origin}/v1/chat/completions \\`,
            `  ${auth} \\`,
            `  ${json} \\`,
            `  -d '{"model": "default", "messages": [{"role": "user", "content": "${question}"}]}'`,
          ].join("\n"),
        },
        {
          id: "python",
          label: "Python, openai",
          text: [
            "from openai import OpenAI  # pip install openai",
            "",
            `client = OpenAI(base_url="${origin}/v1", api_key="${token}")`,
            "answer = client.chat.completions.create(",
            `    model="default", messages=[{"role": "user", "content": "${question}"}]`,
            ")",
            "print(answer.choices[0].message.content)",
          ].join("\n"),
        },
      ];
    case "dataset":
      return [];
    case "admin":
      return [{ id: "curl", label: "curl", text: `curl ${origin}/api/v1/knowledge \\\n  ${auth}` }];
  }
}
