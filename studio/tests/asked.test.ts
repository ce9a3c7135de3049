import { describe, expect, test } from "vitest";

import { type FormInput, acceptOf, beginning, kindOf, partsOf } from "@/form/asked";

const note: FormInput = { type: "paragraph", output_variable_name: "note" };
const team: FormInput = { type: "select", output_variable_name: "team" };

describe("a form's text", () => {
  test("is taken apart where its fields stand, each once, the others at the end", () => {
    expect(partsOf("의견\n{{#$output.note#}}\n끝 {{#$output.note#}} {{#$output.nobody#}}", [note, team])).toEqual([
      { text: "의견\n" },
      { input: note },
      { text: "\n끝 {{#$output.note#}} {{#$output.nobody#}}" },
      { input: team },
    ]);
  });

  test("may be empty", () => {
    expect(partsOf("  ", [note])).toEqual([{ input: note }]);
  });
});

describe("a field", () => {
  test("begins with what the workflow resolved, or with its constant", () => {
    expect(beginning(note, { note: "초안" })).toBe("초안");
    expect(beginning(note, { note: ["a"] })).toBe('["a"]');
    expect(beginning({ ...note, default: { type: "constant", value: "기본" } }, {})).toBe("기본");
    expect(beginning({ ...note, default: { type: "variable", value: "기본" } }, {})).toBe("");
  });

  test("of files offers their kinds alone", () => {
    const files: FormInput = { type: "file", output_variable_name: "f", allowed_file_types: ["image", "custom"] };
    expect(acceptOf({ ...files, allowed_file_extensions: [".hwp", "md"] })).toBe("image/*,.hwp,.md");
    expect(acceptOf({ ...files, allowed_file_types: ["document", "image"] })).toBe("");
    expect(acceptOf({ ...files, allowed_file_types: [] })).toBe("");
  });

  test("names a file by its media type as Dify does", () => {
    expect([kindOf("image/png"), kindOf("application/pdf"), kindOf("")]).toEqual(["image", "document", "document"]);
  });
});
