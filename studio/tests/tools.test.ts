import { describe, expect, it } from "vitest";

import type { ToolShown } from "@/api/client";
import { credentialOf, sent } from "@/pages/tools/credential";
import { argumentsOf, fieldsOf } from "@/pages/tools/schema";

const tool = (properties: object, required: string[] = [], fields: ToolShown["fields"] = {}): ToolShown => ({
  provider_type: "api",
  provider_id: "c",
  provider_name: "상점",
  tool_name: "t",
  description: "",
  words: { en: { label: "t", help: "" }, ko: { label: "t", help: "" } },
  parameters: { type: "object", properties, required },
  fields,
  settings: [],
  is_safe: true,
});

describe("the form of a tool", () => {
  it("has a field for each parameter, the required ones first", () => {
    const found = fieldsOf(tool({ a: {}, b: { type: "string" }, c: { type: "integer" } }, ["c"]), "ko");
    expect(found.map(({ name, kind, required }) => [name, kind, required])).toEqual([
      ["c", "number", true],
      ["a", "json", false],
      ["b", "text", false],
    ]);
  });

  it("offers the values of an enumeration and of a boolean", () => {
    const [one, two] = fieldsOf(tool({ one: { enum: ["가", 2] }, two: { type: ["boolean", "null"] } }), "ko");
    expect([one?.choices, two?.choices]).toEqual([
      ["가", "2"],
      ["true", "false"],
    ]);
  });

  it("speaks the reader's language where the tool does, else the document's", () => {
    const words = { en: { label: "Day", help: "Of the month" }, ko: { label: "일", help: "" } };
    const shown = tool({ day: { type: "integer", description: "1 to 31", default: 3 }, x: { description: "why" } }, [], { day: words });
    expect(fieldsOf(shown, "ko").map(({ label, hint, initial }) => [label, hint, initial])).toEqual([
      ["일", "1 to 31", "3"],
      ["x", "why", ""],
    ]);
  });

  it("passes over a schema of another shape", () => {
    expect(fieldsOf(tool({ a: null, b: [1] }), "en").map(({ kind }) => kind)).toEqual(["json", "json"]);
    expect(fieldsOf({ ...tool({}), parameters: {} }, "en")).toEqual([]);
  });

  it("leaves out what was left empty", () => {
    expect(argumentsOf({ a: "1", b: " ", c: "" })).toEqual({ a: "1" });
  });
});

describe("a credential", () => {
  const shown = { kind: "api_key", name: "X-Key", where: "query", has_secret: true };

  it("is sent without a secret where the kept one is meant", () => {
    expect(sent(credentialOf(shown), true)).toEqual({ kind: "api_key", name: "X-Key", where: "query", user: "", secret: null });
    expect(sent(credentialOf(shown), false).secret).toBe("");
    expect(sent({ ...credentialOf(shown), secret: "새 열쇠" }, true).secret).toBe("새 열쇠");
  });

  it("of a kind nobody knows is none", () => {
    expect(credentialOf({ ...shown, kind: "moon", where: "sky" })).toMatchObject({ kind: "none", where: "header" });
  });
});
