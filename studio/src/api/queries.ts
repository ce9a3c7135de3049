/** What pages load and change: one entry per noun, so that every page names it alike and invalidates the same keys. */

import { QueryClient, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { type StoredRun, api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import { answers } from "@/api/modes";
import type { paths } from "@/api/schema";

const LIVE_MS = 1_000;

/** Only what a later try can mend is tried again; the reconnect banner does the rest. */
function worthRetrying(count: number, error: Error): boolean {
  return error instanceof ApiError && error.status >= 500 && count < 1;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: worthRetrying, staleTime: 5_000, refetchOnWindowFocus: true, networkMode: "always" },
    mutations: { retry: false, networkMode: "always" },
  },
});

export const session = queryOptions({
  queryKey: ["session"],
  queryFn: () => body(api.GET("/session")),
  staleTime: 60_000,
});

export const apps = queryOptions({ queryKey: ["apps"], queryFn: () => body(api.GET("/apps")) });
/** Those one can talk to. */
export const chatApps = queryOptions({ ...apps, select: (all) => all.filter(answers) });

/** How much belongs to an app. */
export const contentsOf = (app: string) =>
  queryOptions({
    queryKey: ["contents", app],
    queryFn: () => body(api.GET("/apps/{app}/contents", { params: { path: { app } } })),
  });

/** Public pages of apps. */
export const sites = queryOptions({ queryKey: ["sites"], queryFn: () => body(api.GET("/sites")) });

export const siteOf = (app: string) =>
  queryOptions({
    queryKey: ["sites", app],
    queryFn: () => body(api.GET("/apps/{app}/site", { params: { path: { app } } })),
  });

const CAME_MS = 10_000;

/** What starts an app by itself; looked at again while it is open, since others fire it. */
export const triggersOf = (app: string) =>
  queryOptions({
    queryKey: ["triggers", app],
    queryFn: () => body(api.GET("/apps/{app}/triggers", { params: { path: { app } } })),
    refetchInterval: CAME_MS,
  });

const RUN_MS = 1_000;
const RUNS_MS = 10_000;

/** Runs of an app; looked at again while the list is open, since others start them. */
export const runsOf = (app: string, status: StoredRun["status"] | undefined, page: number) =>
  queryOptions({
    queryKey: ["runs", app, status ?? "", page],
    queryFn: () => body(api.GET("/apps/{app}/runs", { params: { path: { app }, query: { page, ...(status && { status }) } } })),
    refetchInterval: RUNS_MS,
  });

/** One run with its nodes; looked at often while it is under way. */
export const runOf = (app: string, id: string) =>
  queryOptions({
    queryKey: ["run", app, id],
    queryFn: () => body(api.GET("/apps/{app}/runs/{run_id}", { params: { path: { app, run_id: id } } })),
    refetchInterval: ({ state: { data } }) => (data?.run.status === "running" ? RUN_MS : data?.run.status === "paused" && RUNS_MS),
  });

/** What came to a trigger, `last` being the newest that is known of. */
export const deliveriesOf = (app: string, trigger: string, last: string) =>
  queryOptions({
    queryKey: ["triggers", app, trigger, last],
    queryFn: () =>
      body(api.GET("/apps/{app}/triggers/{trigger_id}/deliveries", { params: { path: { app, trigger_id: trigger } } })),
    placeholderData: (previous) => previous,
    refetchInterval: (query) => (query.state.data?.some(({ run_status }) => run_status === "running") ? RUNNING_MS : false),
  });

export const models = queryOptions({
  queryKey: ["models"],
  queryFn: () => body(api.GET("/models")),
  staleTime: 30_000,
});

const STATE_MS = 4_000;

export const routes = queryOptions({ queryKey: ["models", "routes"], queryFn: () => body(api.GET("/models/routes")) });
export const modelServers = queryOptions({ queryKey: ["models", "servers"], queryFn: () => body(api.GET("/models/servers")) });

/** How all deployments do, or those of one route in its order; while somebody looks. */
export const deploymentsOf = (route?: string) =>
  queryOptions({
    queryKey: ["models", "deployments", route ?? null],
    queryFn: () => body(api.GET("/models/deployments", { params: { query: route === undefined ? {} : { route } } })),
    refetchInterval: STATE_MS,
  });

const RUNNING_MS = 3_000;

/** Yours with an app, newest first, `search` among names and what was said. */
export const conversationsOf = (app: string, search: string) =>
  infiniteQueryOptions({
    queryKey: ["conversations", app, search],
    queryFn: ({ pageParam }) =>
      body(
        api.GET("/apps/{app}/conversations", {
          params: { path: { app }, query: { search, ...(pageParam ? { after: pageParam } : {}) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => (last.has_more ? last.conversations.at(-1)?.id : undefined),
    placeholderData: (previous) => previous,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.conversations.some(({ running }) => running)) ? RUNNING_MS : false,
  });

const INBOX_MS = 30_000;

/** Forms that wait, or that are over. */
export const formsOf = (state: "waiting" | "over", page: number) =>
  queryOptions({
    queryKey: ["forms", state, page],
    queryFn: () => body(api.GET("/forms", { params: { query: { state, page } } })),
    refetchInterval: INBOX_MS,
  });

export const formOf = (id: string) =>
  queryOptions({
    queryKey: ["form", id],
    queryFn: () => body(api.GET("/forms/{form_id}", { params: { path: { form_id: id } } })),
    refetchOnWindowFocus: false, // what was written stays
  });

/** How many forms wait. */
export const waitingForms = queryOptions({
  queryKey: ["forms", "count"],
  queryFn: () => body(api.GET("/forms/waiting")),
  refetchInterval: INBOX_MS,
});

/** The files an app takes with a question. */
export const acceptedBy = (app: string) =>
  queryOptions({
    queryKey: ["apps", app, "accepted"],
    queryFn: () => body(api.GET("/apps/{app}/files", { params: { path: { app } } })),
    staleTime: 60_000,
  });

export const bases = queryOptions({
  queryKey: ["knowledge"],
  queryFn: () => body(api.GET("/knowledge")),
  refetchInterval: (query) =>
    query.state.data?.some(({ documents }) => documents.queued || documents.running) ? LIVE_MS : false,
});

export const baseOf = (base: string) =>
  queryOptions({
    queryKey: ["knowledge", base],
    queryFn: () => body(api.GET("/knowledge/{base}", { params: { path: { base } } })),
  });

export const pipelineOf = (base: string) =>
  queryOptions({
    queryKey: ["knowledge", base, "pipeline"],
    queryFn: () => body(api.GET("/knowledge/{base}/pipeline", { params: { path: { base } } })),
  });

export const doctor = queryOptions({
  queryKey: ["doctor"],
  queryFn: () => body(api.GET("/doctor")),
  staleTime: 30_000,
});

export const managed = queryOptions({ queryKey: ["managed"], queryFn: () => body(api.GET("/organs/managed")) });

/** Read again while somebody looks. */
export const serverLog = (name: string, install: boolean) =>
  queryOptions({
    queryKey: ["managed", name, "log", install],
    queryFn: () =>
      body(api.GET("/organs/managed/{name}/log", { params: { path: { name }, query: { lines: 1000, install } } })),
    refetchInterval: 2_000,
    gcTime: 0,
  });

export const keys = queryOptions({ queryKey: ["keys"], queryFn: () => body(api.GET("/keys")) });
export const members = queryOptions({ queryKey: ["members"], queryFn: () => body(api.GET("/members")) });
export const settings = queryOptions({ queryKey: ["settings"], queryFn: () => body(api.GET("/settings")) });

export const invitations = queryOptions({
  queryKey: ["invitations"],
  queryFn: () => body(api.GET("/invitations")),
});

/** The invitation of a link, for whoever holds it. */
export const invitationOf = (token: string) =>
  queryOptions({
    queryKey: ["invitation", token],
    queryFn: () => body(api.POST("/invitations/look", { body: { token } })),
    retry: false,
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });

type SpentBy = NonNullable<paths["/spend"]["get"]["parameters"]["query"]>["by"];

/** What models were used for between two days of UTC, summed by all of `by`. */
export const spentBy = (by: NonNullable<SpentBy>, since: string, until: string) =>
  queryOptions({
    queryKey: ["spend", since, until, by],
    queryFn: () => body(api.GET("/spend", { params: { query: { by, since, until } } })),
    placeholderData: (previous) => previous,
  });

export const prices = queryOptions({ queryKey: ["prices"], queryFn: () => body(api.GET("/prices")) });
export const quotas = queryOptions({ queryKey: ["quotas"], queryFn: () => body(api.GET("/quotas")) });

export const connections = queryOptions({
  queryKey: ["models", "connections"],
  queryFn: () => body(api.GET("/models/connections")),
});

export const tools = queryOptions({
  queryKey: ["tools", "all"],
  queryFn: () => body(api.GET("/tools")),
});

export const collections = queryOptions({
  queryKey: ["tools", "collections"],
  queryFn: () => body(api.GET("/tools/collections")),
});

export const preferences = queryOptions({
  queryKey: ["preferences"],
  queryFn: () => body(api.GET("/session/preferences")),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The newest conversation with an app, whole; null: there is none. */
export const newestConversationOf = (app: string) =>
  queryOptions({
    queryKey: ["apps", app, "newest"],
    queryFn: async () => {
      const { conversations } = await body(
        api.GET("/apps/{app}/conversations", { params: { path: { app }, query: { limit: 1 } } }),
      );
      const newest = conversations[0];
      if (!newest) return null;
      return body(
        api.GET("/apps/{app}/conversations/{conversation_id}", {
          params: { path: { app, conversation_id: newest.id } },
        }),
      );
    },
    staleTime: 30_000,
  });
