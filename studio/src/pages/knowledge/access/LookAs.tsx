import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Eye, EyeOff } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { BaseAccess, Sight } from "@/api/access";
import { type Found, api, body } from "@/api/client";
import { keys, members } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Field, Input } from "@/ui/Field";
import { Panel } from "@/ui/Panel";
import { Segments } from "@/ui/Segments";
import { Select } from "@/ui/Select";

const WAYS = ["group", "member", "key", "nobody"] as const;
type Way = (typeof WAYS)[number];

/** What somebody else finds here, beside what is kept from them. */
export function LookAs({ base, access, isElsewhere }: { base: string; access: BaseAccess; isElsewhere: boolean }) {
  const { t } = useTranslation();
  const [way, setWay] = useState<Way>(access.circles.length > 0 ? "group" : "member");
  const [chosen, setChosen] = useState<Partial<Record<Way, string>>>({});
  const [query, setQuery] = useState("");
  const { data: people } = useQuery(members);
  const { data: programs } = useQuery(keys);
  const choices = {
    group: access.circles.map(({ name }) => ({ value: name, label: name })),
    member: (people ?? []).map(({ id, name, email }) => ({ value: id, label: name, hint: email })),
    key: (programs ?? []).map(({ id, name, hint }) => ({ value: id, label: name || t("keys.unnamed"), hint: `${hint}…` })),
    nobody: [],
  }[way];
  const whom = way === "nobody" ? "" : (chosen[way] ?? choices[0]?.value ?? "");
  const look = useMutation({
    mutationFn: (asked: string) =>
      body(
        api.POST("/knowledge/{base}/access/look", {
          params: { path: { base } },
          body: { query: asked, top_k: 10, ...(way !== "nobody" && { [way]: whom }) },
        }),
      ),
  });
  return (
    <Panel title={t("access.look")} hint={t("access.lookText")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          look.mutate(query.trim());
        }}
      >
        <div>
          <Segments
            label={t("access.as")}
            value={way}
            choices={WAYS.map((value) => ({ value, label: t(`access.way.${value}`) }))}
            onChange={(next) => {
              setWay(next);
              look.reset();
            }}
          />
        </div>
        <div className="grid items-start gap-4 sm:grid-cols-[14rem_1fr]">
          {way === "nobody" ? (
            <p className="self-center text-sm text-muted">{t("access.nobodyText")}</p>
          ) : (
            <Field label={t(`access.way.${way}`)}>
              {({ id }) =>
                choices.length === 0 ? (
                  <p className="flex h-9 items-center text-muted">{t("access.noneOf")}</p>
                ) : (
                  <Select
                    id={id}
                    label={t(`access.way.${way}`)}
                    value={whom}
                    choices={choices}
                    onChange={(next) => {
                      setChosen({ ...chosen, [way]: next });
                      look.reset();
                    }}
                    className="w-full"
                  />
                )
              }
            </Field>
          )}
          <Field label={t("access.query")}>
            {(ids) => (
              <div className="flex flex-wrap gap-2">
                <Input {...ids} value={query} maxLength={1000} onChange={(event) => setQuery(event.target.value)} className="min-w-0 grow basis-40" />
                <Button type="submit" kind="primary" icon={Eye} busy={look.isPending} disabled={way !== "nobody" && whom === ""}>
                  {t("access.lookNow")}
                </Button>
              </div>
            )}
          </Field>
        </div>
      </form>
      <div aria-live="polite" className="mt-4 empty:mt-0">
        {look.error && <ErrorPanel error={look.error} />}
        {look.data && <Seen base={isElsewhere ? null : base} sight={look.data} isAsked={look.variables !== ""} />}
      </div>
    </Panel>
  );
}

/** `base`: none where its documents are another server's, which counts them. */
function Seen({ base, sight, isAsked }: { base: string | null; sight: Sight; isAsked: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className="flex flex-col gap-4">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1.5 rounded-md bg-sunken px-3 py-2">
        {base !== null && <span className="font-medium">{t("access.seen", { count: sight.total, seen: format.number(sight.documents) })}</span>}
        {sight.sees_all ? (
          <Badge tone="info">{t("access.seesAll")}</Badge>
        ) : sight.groups.length === 0 ? (
          <span className="text-sm text-muted">{t("access.noGroups")}</span>
        ) : (
          sight.groups.map((group) => <Badge key={group}>{group}</Badge>)
        )}
      </p>
      {isAsked && (
        <div className="grid items-start gap-4 lg:grid-cols-2">
          <Hits base={base} icon={Eye} title={t("access.found")} none={t("access.foundNothing")} hits={sight.found} />
          <Hits base={base} icon={EyeOff} title={t("access.withheld")} none={t("access.withheldNothing")} hits={sight.withheld} />
        </div>
      )}
    </div>
  );
}

interface HitsProps {
  base: string | null;
  icon: typeof Eye;
  title: string;
  none: string;
  hits: readonly Found[];
}

function Hits({ base, icon: Icon, title, none, hits }: HitsProps) {
  const format = useFormat();
  return (
    <section aria-label={title} className="min-w-0 rounded-lg border border-line">
      <h3 className="flex items-center gap-2 border-b border-line px-3 py-2 font-medium">
        <Icon size={15} aria-hidden className="text-muted" />
        <span className="grow">{title}</span>
        <span className="text-sm text-muted tabular-nums">{format.number(hits.length)}</span>
      </h3>
      {hits.length === 0 && <p className="px-3 py-4 text-muted">{none}</p>}
      <ol>
        {hits.map((hit) => (
          <li key={hit.chunk_id} className="border-b border-line px-3 py-2 last:border-b-0">
            <p className="flex items-baseline gap-2">
              {base === null ? (
                <span className="min-w-0 grow truncate font-medium">{hit.document}</span>
              ) : (
                <Link
                  to="/knowledge/$base/documents/$document"
                  params={{ base, document: hit.document_id }}
                  search={{ passage: hit.chunk_id }}
                  className="min-w-0 grow truncate font-medium hover:underline"
                >
                  {hit.document}
                </Link>
              )}
              <span className="text-sm text-muted tabular-nums">{format.number(hit.score, 3)}</span>
            </p>
            <p className="line-clamp-2 text-sm text-muted">{hit.text}</p>
          </li>
        ))}
      </ol>
    </section>
  );
}
