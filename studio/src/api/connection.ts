/** Whether the server answers. Requests report here; while it does not, /healthz is asked until it does. */

type State = "online" | "lost";

const HEALTH = document.documentElement.dataset.health ?? "/healthz";
const BEAT_MS = 15_000;
const RETRY_MS = 2_000;

let state: State = "online";
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function become(next: State): void {
  if (state === next) return;
  state = next;
  for (const tell of listeners) tell();
  plan();
}

function plan(): void {
  clearTimeout(timer);
  if (listeners.size > 0) timer = setTimeout(look, state === "lost" ? RETRY_MS : BEAT_MS);
}

async function look(): Promise<void> {
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(HEALTH, { cache: "no-store", signal: AbortSignal.timeout(5_000) });
      become(answer.ok ? "online" : "lost");
    } catch {
      become("lost");
    }
  }
  plan();
}

export const connection = {
  get: (): State => state,
  reached: (): void => become("online"),
  lost: (): void => become("lost"),
  retry: (): void => void look(),
  subscribe(tell: () => void): () => void {
    listeners.add(tell);
    if (listeners.size === 1) {
      window.addEventListener("online", connection.retry);
      window.addEventListener("offline", connection.lost);
      document.addEventListener("visibilitychange", connection.retry);
      plan();
    }
    return () => {
      listeners.delete(tell);
      if (listeners.size === 0) {
        window.removeEventListener("online", connection.retry);
        window.removeEventListener("offline", connection.lost);
        document.removeEventListener("visibilitychange", connection.retry);
        clearTimeout(timer);
      }
    };
  },
  /** Resolves when the server answers, at once when it does. */
  back(): Promise<void> {
    return new Promise((resolve) => {
      const leave = connection.subscribe(() => told());
      const told = () => {
        if (state === "lost") return;
        leave();
        resolve();
      };
      told();
    });
  },
};
