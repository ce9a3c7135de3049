// Chats through the npm package dify-client; prints what it got as one JSON document.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, url, key, question] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const { ChatClient } = await import(pathToFileURL(require.resolve("dify-client")));
const client = new ChatClient(key, url);

const asked = (await client.createChatMessage({}, question, "npm")).data;
const response = await client.createChatMessage({}, question, "npm", true, asked.conversation_id);
let streamed = "";
for await (const piece of response.data) streamed += piece;
const rated = (await client.messageFeedback(asked.message_id, "like", "npm")).data;
const parameters = (await client.getApplicationParameters("npm")).data;
const listed = (await client.getConversations("npm")).data;
const messages = (await client.getConversationMessages("npm", asked.conversation_id)).data;
const renamed = (await client.renameConversation(asked.conversation_id, "새 이름", "npm", false)).data;
const form = new FormData();
form.append("user", "npm");
form.append("file", new Blob(["hello"], { type: "text/plain" }), "a.txt");
const uploaded = (await client.fileUpload(form)).data;
const deleted = (await client.deleteConversation(asked.conversation_id, "npm")).status;
let refused = 0;
try {
  await new ChatClient("app-wrong", url).createChatMessage({}, question, "npm");
} catch (error) {
  refused = error.response.status;
}
console.log(
  JSON.stringify({ asked, streamed, rated, parameters, listed, messages, renamed, uploaded, deleted, refused }),
);
