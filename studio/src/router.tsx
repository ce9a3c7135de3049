/** Every address of Studio. Each page is a chunk of its own, loaded when first opened. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import type { Part } from "virtual:words";

import { ApiError } from "@/api/errors";
import { queryClient, session } from "@/api/queries";
import { RUN_STATES, type RunStatus } from "@/api/runs";
import { Frame } from "@/frame/Frame";
import { PageError, PageMissing, PageWaiting } from "@/frame/PageStates";
import { learn } from "@/i18n";

const root = createRootRoute({ notFoundComponent: PageMissing, errorComponent: PageError });

/** Addresses of ours only: nobody is sent elsewhere after signing in. */
export const ownPath = (value: unknown): string | undefined =>
  typeof value === "string" && /^\/(?![/\\])/.test(value) ? value : undefined;

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined;
const count = (value: unknown): number | undefined =>
  Number.isSafeInteger(Number(value)) && Number(value) > 0 ? Number(value) : undefined;

const object = (value: unknown): object | undefined => (typeof value === "object" && value !== null ? value : undefined);

/** A page, shown when its room's words are there, too. */
const room = <M extends Record<string, unknown>>(of: Part, page: () => Promise<M>, name: keyof M & string) =>
  lazyRouteComponent(() => Promise.all([page(), learn(of)]).then(([loaded]) => loaded), name);

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search): { next?: string } => ({ next: ownPath(search.next) }),
  component: room("session", () => import("@/pages/session/SignIn"), "SignIn"),
});

const password = createRoute({
  getParentRoute: () => root,
  path: "/password",
  component: room("session", () => import("@/pages/session/NewPassword"), "NewPassword"),
});

const invite = createRoute({
  getParentRoute: () => root,
  path: "/invite/$token",
  component: room("session", () => import("@/pages/session/Invite"), "Invite"),
});

/** Everything behind the sign-in. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  beforeLoad: async ({ location }) => {
    try {
      const account = await queryClient.ensureQueryData(session);
      if (account.must_change_password) throw redirect({ to: "/password" });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        throw redirect({ to: "/sign-in", search: { next: location.href } });
      }
      throw error;
    }
  },
  component: Frame,
  errorComponent: PageError,
  notFoundComponent: PageMissing,
});

const page = { getParentRoute: () => inside };

const home = createRoute({ ...page, path: "/", component: room("home", () => import("@/pages/home/Home"), "Home") });

const chatList = createRoute({
  ...page,
  path: "/chat",
  component: room("chat", () => import("@/pages/chat/ChatStart"), "ChatStart"),
});

const chat = createRoute({
  ...page,
  path: "/chat/$app",
  component: room("chat", () => import("@/pages/chat/Chat"), "Chat"),
});

const inbox = createRoute({
  ...page,
  path: "/inbox",
  validateSearch: (search): { state?: "over"; page?: number } => ({
    state: search.state === "over" ? "over" : undefined,
    page: count(search.page),
  }),
  component: room("inbox", () => import("@/pages/inbox/Inbox"), "Inbox"),
});

const inboxForm = createRoute({
  ...page,
  path: "/inbox/$form",
  component: room("inbox", () => import("@/pages/inbox/InboxForm"), "InboxForm"),
});

const appList = createRoute({
  ...page,
  path: "/apps",
  component: room("apps", () => import("@/pages/apps/Apps"), "Apps"),
});

const appSettings = createRoute({
  ...page,
  path: "/apps/$app",
  component: room("apps", () => import("@/pages/apps/AppSettings"), "AppSettings"),
});

const appPublish = createRoute({
  ...page,
  path: "/apps/$app/publish",
  component: room("apps", () => import("@/pages/apps/Publish"), "Publish"),
});

const appTriggers = createRoute({
  ...page,
  path: "/apps/$app/triggers",
  component: room("apps", () => import("@/pages/apps/Triggers"), "Triggers"),
});

const appRuns = createRoute({
  ...page,
  path: "/apps/$app/runs",
  validateSearch: (search): { state?: RunStatus; page?: number } => ({
    state: RUN_STATES.find((status) => status === search.state),
    page: count(search.page),
  }),
  component: room("apps", () => import("@/pages/apps/runs/Runs"), "Runs"),
});

const appRun = createRoute({
  ...page,
  path: "/apps/$app/runs/$run",
  component: room("apps", () => import("@/pages/apps/runs/Run"), "Run"),
});

const appApi = createRoute({
  ...page,
  path: "/apps/$app/api",
  component: room("apps", () => import("@/pages/apps/AppApi"), "AppApi"),
});

/** The same page, which stays as it is when a new conversation gets its address. */
const conversation = createRoute({ getParentRoute: () => chat, path: "$conversation" });

const knowledge = createRoute({
  ...page,
  path: "/knowledge",
  component: room("knowledge", () => import("@/pages/knowledge/Bases"), "Bases"),
});

const external = createRoute({
  ...page,
  path: "/external-knowledge",
  component: room("knowledge", () => import("@/pages/knowledge/external/ExternalPage"), "ExternalPage"),
});

const base = createRoute({
  ...page,
  path: "/knowledge/$base",
  validateSearch: (search): { search?: string; state?: string; sort?: string } => ({
    search: text(search.search),
    state: text(search.state),
    sort: text(search.sort),
  }),
  component: room("knowledge", () => import("@/pages/knowledge/Base"), "Base"),
});

const retrieval = createRoute({
  ...page,
  path: "/knowledge/$base/retrieval",
  validateSearch: (search): { query?: string; by?: string; rule?: object; where?: object } => ({
    query: text(search.query),
    by: text(search.by),
    rule: object(search.rule),
    where: object(search.where),
  }),
  component: room("knowledge", () => import("@/pages/knowledge/Retrieval"), "Retrieval"),
});

const sources = createRoute({
  ...page,
  path: "/knowledge/$base/sources",
  component: room("knowledge", () => import("@/pages/knowledge/sources/Sources"), "Sources"),
});

const access = createRoute({
  ...page,
  path: "/knowledge/$base/access",
  component: room("knowledge", () => import("@/pages/knowledge/access/AccessPage"), "AccessPage"),
});

const baseSettings = createRoute({
  ...page,
  path: "/knowledge/$base/settings",
  component: room("knowledge", () => import("@/pages/knowledge/BaseSettings"), "BaseSettings"),
});

const evaluation = createRoute({
  ...page,
  path: "/knowledge/$base/evaluation",
  validateSearch: (search): { run?: string } => ({ run: text(search.run) }),
  component: room("knowledge", () => import("@/pages/knowledge/evaluation/EvaluationPage"), "EvaluationPage"),
});

const document = createRoute({
  ...page,
  path: "/knowledge/$base/documents/$document",
  validateSearch: (search): { passage?: string; quote?: string; page?: number; offset?: number } => ({
    passage: text(search.passage),
    quote: text(search.quote),
    page: count(search.page),
    offset: count(search.offset),
  }),
  component: room("knowledge", () => import("@/pages/knowledge/DocumentPage"), "DocumentPage"),
});

const routes = createRoute({
  ...page,
  path: "/models",
  validateSearch: (search): { edit?: string } => ({ edit: typeof search.edit === "string" ? search.edit : text(search.edit) }),
  component: room("models", () => import("@/pages/models/Routes"), "Routes"),
});

const playground = createRoute({
  ...page,
  path: "/models/playground",
  validateSearch: (search): { models?: string } => ({ models: text(search.models) }),
  component: room("models", () => import("@/pages/models/Playground"), "Playground"),
});

const tools = createRoute({
  ...page,
  path: "/tools",
  component: room("tools", () => import("@/pages/tools/Tools"), "Tools"),
});

const administration = createRoute({
  ...page,
  id: "administration",
  component: room("settings", () => import("@/pages/settings/Administration"), "Administration"),
});

const administered = { getParentRoute: () => administration };

const settings = createRoute({
  ...administered,
  path: "/settings",
  component: room("settings", () => import("@/pages/settings/Organs"), "Organs"),
});

const keys = createRoute({
  ...administered,
  path: "/settings/keys",
  component: room("settings", () => import("@/pages/settings/Keys"), "Keys"),
});

const models = createRoute({
  ...administered,
  path: "/settings/models",
  component: room("settings", () => import("@/pages/settings/Models"), "Models"),
});

const budgets = createRoute({
  ...administered,
  path: "/settings/budgets",
  component: room("settings", () => import("@/pages/settings/Budgets"), "Budgets"),
});

const spend = createRoute({
  ...administered,
  path: "/settings/spend",
  validateSearch: (search): { by?: string; over?: string; of?: string } => ({
    by: text(search.by),
    over: text(search.over),
    of: text(search.of),
  }),
  component: room("settings", () => import("@/pages/settings/Spend"), "Spend"),
});

const members = createRoute({
  ...administered,
  path: "/settings/members",
  validateSearch: (search): { invite?: boolean } => ({ invite: search.invite === true || undefined }),
  component: room("settings", () => import("@/pages/settings/Members"), "Members"),
});

const values = createRoute({
  ...administered,
  path: "/settings/values",
  validateSearch: (search): { search?: string } => ({ search: text(search.search) }),
  component: room("settings", () => import("@/pages/settings/Values"), "Values"),
});

const gallery = createRoute({
  getParentRoute: () => root,
  path: "/gallery",
  component: room("gallery", () => import("@/pages/gallery/Gallery"), "Gallery"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    password,
    invite,
    gallery,
    inside.addChildren([home, chatList, chat.addChildren([conversation]), inbox, inboxForm, appList, appSettings, appTriggers, appPublish, appRuns, appRun, appApi, knowledge, external, base, retrieval, evaluation, sources, access, baseSettings, document, tools, routes, playground, administration.addChildren([settings, models, keys, budgets, spend, members, values])]),
  ]),
  defaultPreload: "intent",
  defaultPendingComponent: PageWaiting,
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: PageMissing,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
