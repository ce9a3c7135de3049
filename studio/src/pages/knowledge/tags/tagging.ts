/** Gives a base tags by their names; those that are new are made. */

import { api, body } from "@/api/client";

export async function tagBase(base: string, names: readonly string[]): Promise<void> {
  const there = await body(api.GET("/knowledge-tags"));
  const ids: string[] = [];
  for (const name of names) {
    const known = there.find((tag) => tag.name === name) ?? (await body(api.POST("/knowledge-tags", { body: { name } })));
    ids.push(known.id);
  }
  await body(api.PUT("/knowledge/{base}/tags", { params: { path: { base } }, body: { tags: ids } }));
}
