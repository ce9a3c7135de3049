// Runs a workflow through the npm package dify-client; prints what it got as one JSON document.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, url, key] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const { CompletionClient } = await import(pathToFileURL(require.resolve("dify-client")));
const client = new CompletionClient(key, url);

const ran = (await client.runWorkflow({ q: "세계" }, "npm")).data;
const response = await client.runWorkflow({ q: "세계" }, "npm", true);
let streamed = "";
for await (const piece of response.data) streamed += piece;
console.log(JSON.stringify({ ran, streamed }));
