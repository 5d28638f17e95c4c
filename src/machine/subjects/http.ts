import { CommandFailedError, section, type CommandResult } from "../command.ts";
import { matches, show } from "../compare.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { quoteCommand } from "../shell.ts";

export interface HttpOptions {
  /** @default "GET" */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Accepts a certificate that the guest does not trust. @default false */
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

/**
 * A URL, requested from inside the guest anew each time: with the guest's curl, or where it has none with bash
 * alone, which knows only `http:`.
 */
export class Http {
  readonly url: string;
  readonly #options: HttpOptions;
  readonly #runner: CommandRunner;

  constructor(runner: CommandRunner, url: string, options: HttpOptions = {}) {
    this.#runner = runner;
    this.url = url;
    this.#options = options;
  }

  /** @throws CommandFailedError where no answer comes */
  async response(): Promise<HttpResponse> {
    const result = await this.#request();
    const response = result.failed ? undefined : parseResponse(result.stdout);
    if (response === undefined) throw new CommandFailedError(this.#runner.name, result);
    return response;
  }

  /** @internal */
  responding(expected: ExpectedResponse): Expectation {
    let latest: HttpResponse | undefined;
    return {
      runner: this.#runner,
      subject: this.toString(),
      wanted: `to respond with ${describe(expected)}`,
      observe: async () => {
        const result = await this.#request();
        latest = result.failed ? undefined : parseResponse(result.stdout);
        if (latest === undefined) return { holds: false, saw: describeSilence(result) };
        const differences = compare(latest, expected);
        if (differences.length > 0) return { holds: false, saw: differences.join("; ") };
        return { holds: true, saw: `responds with ${latest.status}` };
      },
      evidence: async () => (latest === undefined ? [] : section("body", latest.body)),
    };
  }

  async #request(): Promise<CommandResult> {
    const { timeoutMs = 30_000, body } = this.#options;
    const result = await this.#runner.execute(curlCommand(this.url, this.#options), {
      ...(body === undefined ? {} : { stdin: body }),
      timeoutMs: timeoutMs + 5_000,
    });
    if (result.exitCode !== 127) return result;
    const url = new URL(this.url);
    if (url.protocol !== "http:") return result;
    return this.#runner.execute(
      quoteCommand([
        "timeout",
        timeoutMs / 1000,
        "bash",
        "-c",
        bashRequest,
        "bash",
        ...endpoint(url),
      ]),
      { stdin: requestText(url, this.#options), timeoutMs: timeoutMs + 5_000 },
    );
  }

  toString(): string {
    return `${this.url} in ${this.#runner.name}`;
  }
}

/** The request comes on standard input; the server closes the connection, as HTTP/1.0 has it. */
const bashRequest = 'exec 3<>"/dev/tcp/$1/$2" && cat >&3 && cat <&3';

function curlCommand(
  url: string,
  { method, headers = {}, body, insecure, followRedirects, timeoutMs = 30_000 }: HttpOptions,
): string[] {
  return [
    "curl",
    "--silent",
    "--show-error",
    "--include",
    "--globoff",
    "--max-time",
    String(timeoutMs / 1000),
    ...(method === "HEAD" ? ["--head"] : method === undefined ? [] : ["--request", method]),
    ...Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]),
    ...(body === undefined ? [] : ["--data-binary", "@-"]),
    ...(insecure ? ["--insecure"] : []),
    ...(followRedirects ? ["--location"] : []),
    "--url",
    url,
  ];
}

function endpoint(url: URL): [string, string] {
  return [url.hostname.replace(/^\[(.*)\]$/, "$1"), url.port || "80"];
}

function requestText(url: URL, { method = "GET", headers = {}, body }: HttpOptions): string {
  const all = {
    Host: url.host,
    ...(body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${url.pathname}${url.search} HTTP/1.0`, ...lines, "", body ?? ""].join("\r\n");
}

/** The last response of what curl prints: «100 Continue» and followed redirects come before it. */
export function parseResponse(text: string): HttpResponse | undefined {
  const block = /^HTTP\/[\d.]+ (\d{3})[^\n]*\n((?:[^\r\n]+\r?\n)*)\r?\n/.exec(text);
  if (!block) return undefined;
  const [whole, status, head = ""] = block;
  const rest = text.slice(whole.length);
  if (/^[13]/.test(status ?? "") && /^HTTP\/[\d.]+ \d{3}/.test(rest)) return parseResponse(rest);
  const headers: Record<string, string> = {};
  for (const [, name = "", value = ""] of head.matchAll(/^([^:\r\n]+):[ \t]*(.*?)[ \t]*\r?$/gm)) {
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  return { status: Number(status), headers, body: rest };
}

function compare(response: HttpResponse, expected: ExpectedResponse): string[] {
  const differences: string[] = [];
  if (expected.status !== undefined && response.status !== expected.status) {
    differences.push(`responds with ${response.status}`);
  }
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    const actual = response.headers[name.toLowerCase()];
    if (actual === undefined) differences.push(`has no header ${name}`);
    else if (!matches(actual, value)) differences.push(`has the header ${name}: ${show(actual)}`);
  }
  if (expected.body !== undefined && !matches(response.body, expected.body)) {
    differences.push(`has the body ${show(response.body)}`);
  }
  return differences;
}

function describe({ status, headers, body }: ExpectedResponse): string {
  const parts = [
    ...(status === undefined ? [] : [String(status)]),
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${show(value)}`),
    ...(body === undefined ? [] : [`the body ${show(body)}`]),
  ];
  return parts.join(", ") || "anything";
}

function describeSilence({ exitCode, timedOut, stdout, stderr }: CommandResult): string {
  if (timedOut) return "does not answer in time";
  if (exitCode === 0) return `does not speak HTTP: ${show(stdout)}`;
  const reason = stderr
    .trim()
    .split("\n")
    .at(-1)
    ?.replace(/^(?:curl: \(\d+\)|bash: .*?: )\s*/, "");
  return `does not answer (${reason || `exit code ${exitCode}`})`;
}
