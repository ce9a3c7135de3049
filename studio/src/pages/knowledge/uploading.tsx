import { FileUp } from "lucide-react";
import { type DragEvent, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useActions } from "@/actions/action";
import { enqueue, filesOf } from "@/frame/uploads";

/** The pickers for files and for a folder, for who `may`; `inputs` must be drawn. */
export function useUploadAction(base: string, may: boolean) {
  const { t } = useTranslation();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const action = useMemo(
    (): Action => ({
      id: "upload",
      label: t("uploads.add"),
      group: t("nav.knowledge"),
      icon: FileUp,
      shortcut: "u",
      run: () => files.current?.click(),
    }),
    [t],
  );
  useActions(useMemo(() => (may ? [action] : []), [may, action]));
  const take = (list: FileList | null) =>
    enqueue(
      base,
      [...(list ?? [])]
        .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
        .filter(({ path }) => !path.split("/").some((part) => part.startsWith("."))),
    );
  const input = { type: "file", multiple: true, hidden: true, "aria-hidden": true } as const;
  const inputs = (
    <>
      <input {...input} ref={files} onChange={(event) => (take(event.target.files), (event.target.value = ""))} />
      <input
        {...input}
        {...{ webkitdirectory: "" }}
        ref={folder}
        onChange={(event) => (take(event.target.files), (event.target.value = ""))}
      />
    </>
  );
  return { action, inputs, pickFolder: () => folder.current?.click() };
}

/** Takes files and folders that are dropped on the element with these handlers, by who `may`. */
export function useDrop(base: string, may: boolean) {
  const [depth, setDepth] = useState(0);
  const holdsFiles = (event: DragEvent) => may && event.dataTransfer.types.includes("Files");
  const drop = {
    onDragEnter: (event: DragEvent) => holdsFiles(event) && setDepth((before) => before + 1),
    onDragLeave: (event: DragEvent) => holdsFiles(event) && setDepth((before) => Math.max(0, before - 1)),
    onDragOver: (event: DragEvent) => holdsFiles(event) && event.preventDefault(),
    onDrop: (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      setDepth(0);
      void filesOf(event.dataTransfer).then((picked) => enqueue(base, picked));
    },
  };
  return { dragging: depth > 0, drop };
}
