import { UsageError } from "../../errors.ts";
import { matches, show } from "../compare.ts";

export interface HttpOptions {
  /**
   * Where the request comes from: from inside the guest, or from this host through a forwarded port, past the guest's
   * firewall. Whatever host name the URL has, the guest is asked.
   * @default "guest"
   */
  readonly from?: "guest" | "host";
  /** @default "GET" */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Accepts a certificate that is not trusted. @default false */
  readonly insecure?: boolean;
  /** @default false */
  readonly followRedirects?: boolean;
  /** For one request. @default 30000 */
  readonly timeoutMs?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; repeated ones are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What `toRespond` compares; a string must be equal, a pattern must match, what is left out may be anything. */
export interface ExpectedResponse {
  readonly status?: number;
  readonly body?: string | RegExp;
  readonly headers?: Readonly<Record<string, string | RegExp>>;
}

/** What came of one request: a response, or why there is none. */
export type HttpReply =
  | { readonly response: HttpResponse }
  | { readonly silence: string; readonly error: Error };

/** One way to send requests. */
export type HttpClient = (url: string, options: HttpOptions) => Promise<HttpReply>;

export const requestPatienceMs = 30_000;
export const largestBodyBytes: number = 64 * 1024 * 1024;

/** @throws UsageError for a status that no response has */
export function describeExpected({ status, headers, body }: ExpectedResponse): string {
  if (status !== undefined && !Number.isInteger(status)) {
    throw new UsageError(`a status is a number such as 200, not ${JSON.stringify(status)}`);
  }
  const parts = [
    ...(status === undefined ? [] : [String(status)]),
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${show(value)}`),
    ...(body === undefined ? [] : [`the body ${show(body)}`]),
  ];
  return parts.join(", ") || "anything";
}

/** In what a response differs from what is expected, each as the end of a sentence. */
export function differences(response: HttpResponse, expected: ExpectedResponse): string[] {
  const found: string[] = [];
  if (expected.status !== undefined && response.status !== expected.status) {
    found.push(`responds with ${response.status}`);
  }
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    const actual = response.headers[name.toLowerCase()];
    if (actual === undefined) found.push(`has no header ${name}`);
    else if (!matches(actual, value)) found.push(`has the header ${name}: ${show(actual)}`);
  }
  if (expected.body !== undefined && !matches(response.body, expected.body)) {
    found.push(`has the body ${show(response.body)}`);
  }
  return found;
}
