import { Plus, X } from "lucide-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";

import { Button, IconButton } from "@/ui/Button";
import { Input } from "@/ui/Field";

interface LinesFieldProps {
  legend: string;
  hint: string;
  /** Names one line for screen readers. */
  lineLabel: (number: number) => string;
  addLabel: string;
  placeholder?: string;
  lines: readonly string[];
  most: number;
  maxLength: number;
  /** What is wrong with a line, "" for nothing. */
  problem?: (line: string) => string;
  onChange: (lines: readonly string[]) => void;
}

/** A list of short texts: Enter adds the next one, an empty one goes with Backspace. */
export function LinesField(props: LinesFieldProps) {
  const { legend, hint, lineLabel, addLabel, placeholder, lines, most, maxLength, problem, onChange } = props;
  const { t } = useTranslation();
  const list = useRef<HTMLUListElement>(null);
  const focus = (index: number) =>
    requestAnimationFrame(() => list.current?.querySelectorAll("input")[index]?.focus());
  const add = (at: number) => {
    if (lines.length >= most) return;
    onChange([...lines.slice(0, at), "", ...lines.slice(at)]);
    focus(at);
  };
  const remove = (index: number) => {
    onChange(lines.filter((_, other) => other !== index));
    focus(Math.max(0, index - 1));
  };
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="mb-1.5 text-sm font-medium">{legend}</legend>
      <ul ref={list} className="flex flex-col gap-1.5">
        {lines.map((line, index) => {
          const wrong = line.trim() ? (problem?.(line) ?? "") : "";
          return (
            <li key={index}>
              <div className="flex items-center gap-1">
                <Input
                  aria-label={lineLabel(index + 1)}
                  aria-invalid={wrong ? true : undefined}
                  placeholder={placeholder}
                  maxLength={maxLength}
                  value={line}
                  onChange={(event) => onChange(lines.map((one, other) => (other === index ? event.target.value : one)))}
                  onKeyDown={(event) => {
                    if (event.nativeEvent.isComposing) return;
                    if (event.key === "Enter") {
                      event.preventDefault();
                      add(index + 1);
                    } else if (event.key === "Backspace" && line === "") {
                      event.preventDefault();
                      remove(index);
                    }
                  }}
                />
                <IconButton icon={X} size="small" label={`${t("common.delete")}: ${lineLabel(index + 1)}`} onClick={() => remove(index)} />
              </div>
              {wrong && <p className="mt-1 text-sm text-bad">{wrong}</p>}
            </li>
          );
        })}
      </ul>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Button size="small" icon={Plus} onClick={() => add(lines.length)} disabled={lines.length >= most}>
          {addLabel}
        </Button>
        <p className="min-w-0 text-sm text-muted">{hint}</p>
      </div>
    </fieldset>
  );
}
