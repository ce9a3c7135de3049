/** Every failure Studio shows: what the console answered, or that nothing answered. */

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly param: string | null;
  readonly request_id: string | null;
}

/** `status` 0: the server was not reached. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly param: string | null;
  readonly requestId: string | null;
  /** Seconds to wait, where the server says so. */
  readonly waitSeconds: number;

  constructor(status: number, body: ErrorBody, waitSeconds = 0) {
    super(body.message);
    this.name = "ApiError";
    this.status = status;
    this.code = body.code;
    this.hint = body.hint;
    this.param = body.param;
    this.requestId = body.request_id;
    this.waitSeconds = waitSeconds;
  }
}

/** `message` and `hint` are empty: the error panel has words for this code in both languages. */
export function unreachable(): ApiError {
  return new ApiError(0, { code: "server_unreachable", message: "", hint: "", param: null, request_id: null });
}

export function isErrorBody(value: unknown): value is ErrorBody {
  return typeof value === "object" && value !== null && "code" in value && "message" in value;
}

/** The error of an answer that is not 2xx. An answer without our shape is a proxy's: the server is not there. */
export function errorOf(status: number, text: string, requestId: string | null, retryAfter: string | null = null): ApiError {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "error" in body && isErrorBody(body.error)) {
      const told = { ...body.error, request_id: body.error.request_id ?? requestId };
      return new ApiError(status, told, /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) : 0);
    }
  } catch {
    // not JSON: told below
  }
  if (status === 502 || status === 503 || status === 504) return unreachable();
  const message = text.slice(0, 300) || `HTTP ${status}`;
  return new ApiError(status, { code: "invalid_answer", message, hint: "", param: null, request_id: requestId });
}

/** Anything thrown, as what the error panel shows. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(0, { code: "studio_fault", message, hint: "", param: null, request_id: null });
}
