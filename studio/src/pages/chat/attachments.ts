/** The files of the question that is being written. */

import { useCallback, useEffect, useRef, useState } from "react";

import { type Attached, attach } from "@/api/attach";
import { type ApiError, asApiError } from "@/api/errors";

export interface Attachment {
  readonly key: number;
  readonly file: File;
  /** 0..1 while it is sent; 1: it is being read. */
  readonly part: number;
  readonly kept?: Attached;
  readonly error?: ApiError;
}

export const MOST_FILES = 10;
let next = 1;

export interface Attachments {
  readonly all: readonly Attachment[];
  /** All of them are there, none failed. */
  readonly ready: boolean;
  readonly add: (files: Iterable<File>) => void;
  readonly remove: (key: number) => void;
  /** Those that are kept; the list is empty afterwards. */
  readonly take: () => readonly Attached[];
}

export function useAttachments(app: string): Attachments {
  const [all, setAll] = useState<readonly Attachment[]>([]);
  const sending = useRef(new Map<number, AbortController>());
  useEffect(() => {
    const open = sending.current;
    return () => {
      for (const stop of open.values()) stop.abort();
    };
  }, []);

  const add = useCallback(
    (files: Iterable<File>) => {
      const change = (key: number, changes: Partial<Attachment>) =>
        setAll((before) => before.map((one) => (one.key === key ? { ...one, ...changes } : one)));
      for (const file of [...files].slice(0, MOST_FILES)) {
        const key = next++;
        const stop = new AbortController();
        sending.current.set(key, stop);
        setAll((before) => [...before, { key, file, part: 0 }].slice(0, MOST_FILES));
        attach(app, file, { told: (part) => change(key, { part }), signal: stop.signal })
          .then((kept) => change(key, { kept }))
          .catch((error: unknown) => !stop.signal.aborted && change(key, { error: asApiError(error) }))
          .finally(() => sending.current.delete(key));
      }
    },
    [app],
  );
  const remove = useCallback((key: number) => {
    sending.current.get(key)?.abort();
    setAll((before) => before.filter((one) => one.key !== key));
  }, []);
  const take = useCallback(() => {
    setAll([]);
    return all.flatMap(({ kept }) => (kept ? [kept] : []));
  }, [all]);
  return { all, ready: all.every(({ kept }) => kept !== undefined), add, remove, take };
}
