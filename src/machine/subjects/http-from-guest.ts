import { CommandFailedError, type CommandResult } from "../command.ts";
import { show } from "../compare.ts";
import type { CommandRunner } from "../runner.ts";
import { quoteCommand } from "../shell.ts";
import {
  largestBodyBytes,
  requestPatienceMs,
  type HttpClient,
  type HttpOptions,
  type HttpResponse,
} from "./http-response.ts";

/** Requests with the guest's curl, or where it has none with bash alone, which knows only `http:`. */
export function guestHttpClient(runner: CommandRunner): HttpClient {
  return async (url, options) => {
    const result = await request(runner, url, options);
    const response = result.failed ? undefined : parseResponse(result.stdout);
    if (response !== undefined) return { response };
    return { silence: describeSilence(result), error: new CommandFailedError(runner.name, result) };
  };
}

async function request(
  runner: CommandRunner,
  url: string,
  options: HttpOptions,
): Promise<CommandResult> {
  const { timeoutMs = requestPatienceMs, body } = options;
  const limits = {
    purpose: `ask ${url}`,
    timeoutMs: timeoutMs + 5_000,
    maxOutputBytes: largestBodyBytes,
  };
  const result = await runner.execute(curlCommand(url, options), {
    ...(body === undefined ? {} : { stdin: body }),
    ...limits,
  });
  if (result.exitCode !== 127) return result;
  const parsed = new URL(url);
  if (parsed.protocol !== "http:") return result;
  const call = ["bash", "-c", bashRequest, "bash", ...endpoint(parsed)];
  return runner.execute(quoteCommand(["timeout", timeoutMs / 1000, ...call]), {
    stdin: requestText(parsed, options),
    ...limits,
  });
}

/** The request comes on standard input; the server closes the connection, as HTTP/1.0 has it. */
const bashRequest = 'exec 3<>"/dev/tcp/$1/$2" && cat >&3 && cat <&3';

function curlCommand(
  url: string,
  {
    method,
    headers = {},
    body,
    insecure,
    followRedirects,
    timeoutMs = requestPatienceMs,
  }: HttpOptions,
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
function parseResponse(text: string): HttpResponse | undefined {
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

function describeSilence({ exitCode, timedOut, stdout, stderr }: CommandResult): string {
  if (timedOut) return "does not answer in time";
  if (exitCode === 0) return `does not speak HTTP: ${show(stdout)}`;
  const lines = stderr.trim().split("\n");
  // curl goes on after its error with advice.
  const reason = (lines.find((line) => line.startsWith("curl: (")) ?? lines.at(-1))?.replace(
    /^(?:curl: \(\d+\)|bash: .*?: )\s*/,
    "",
  );
  return `does not answer (${reason?.replace(/ after \d+ ms/, "") || `exit code ${exitCode}`})`;
}
