// Asks through the npm package openai; prints what it got as one JSON document.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, baseURL, apiKey] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const { default: OpenAI } = await import(pathToFileURL(require.resolve("openai")));
const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
const messages = [{ role: "user", content: "안녕" }];
const told = {};

told.whole = (await client.chat.completions.create({ model: "smart", messages })).choices[0].message.content;
const stream = await client.chat.completions.create({
  model: "smart",
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
told.streamed = "";
for await (const chunk of stream) {
  told.streamed += chunk.choices[0]?.delta?.content ?? "";
  told.usage = chunk.usage?.total_tokens ?? told.usage;
}
const response = await client.responses.create({ model: "smart", input: "안녕" });
told.response = response.output_text;
told.events = [];
for await (const event of await client.responses.create({ model: "smart", input: "안녕", stream: true }))
  told.events.push(event.type);
told.models = (await client.models.list()).data.map((model) => model.id);
try {
  await client.chat.completions.create({ model: "nothing", messages });
} catch (error) {
  told.unknown = [error.constructor.name, error.status, error.code, error.param, error.type];
}
try {
  for await (const chunk of await client.chat.completions.create({ model: "breaks", messages, stream: true })) {
    told.before = (told.before ?? "") + (chunk.choices[0]?.delta?.content ?? "");
  }
} catch (error) {
  told.broken = [error instanceof OpenAI.APIError, error.code ?? error.error?.code ?? null];
}
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }];
const calling = client.chat.completions.stream({ model: "tools", messages, tools });
told.called = (await calling.finalChatCompletion()).choices[0].message.tool_calls.map(({ function: asked }) => asked);
const left = await client.chat.completions.create({ model: "endless", messages, stream: true });
for await (const chunk of left) {
  told.left = chunk.choices[0]?.delta?.content ?? told.left;
  if (told.left) break; // which closes the connection
}
try {
  await client.chat.completions.create({ model: "silent", messages });
} catch (error) {
  told.silent = [error.constructor.name, error.status, error.code];
}
const patient = new OpenAI({ apiKey, baseURL, maxRetries: 2 });
told.retried = (await patient.chat.completions.create({ model: "busy", messages })).choices[0].message.content;
const hasty = new OpenAI({ apiKey, baseURL, maxRetries: 0, timeout: 300 });
try {
  await hasty.chat.completions.create({ model: "hangs", messages });
} catch (error) {
  told.timeout = error.constructor.name;
}
console.log(JSON.stringify(told));
