/** What can be done with a trigger; the list is as the server left it afterwards. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { type App, type Trigger, api, body } from "@/api/client";
import { triggersOf } from "@/api/queries";

export function useTrigger(app: App, trigger: Trigger) {
  const client = useQueryClient();
  const path = { app: app.id, trigger_id: trigger.id };
  const { queryKey } = triggersOf(app.id);
  const kept = (changed: Trigger) =>
    client.setQueryData(queryKey, (all: Trigger[] | undefined) => all?.map((one) => (one.id === changed.id ? changed : one)));
  const again = () => client.invalidateQueries({ queryKey });
  return {
    change: useMutation({
      mutationFn: (some: { is_on?: boolean; needs_secret?: boolean }) =>
        body(api.PATCH("/apps/{app}/triggers/{trigger_id}", { params: { path }, body: some })),
      onSuccess: kept,
    }),
    renewSecret: useMutation({
      mutationFn: () => body(api.POST("/apps/{app}/triggers/{trigger_id}/secret", { params: { path } })),
      onSuccess: again,
    }),
    renewAddress: useMutation({
      mutationFn: () => body(api.POST("/apps/{app}/triggers/{trigger_id}/address", { params: { path } })),
      onSuccess: kept,
    }),
    runNow: useMutation({
      mutationFn: () => body(api.POST("/apps/{app}/triggers/{trigger_id}/run", { params: { path } })),
      onSuccess: again,
    }),
  };
}
