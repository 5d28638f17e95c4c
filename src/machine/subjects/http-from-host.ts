import { request as plainRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as tlsRequest } from "node:https";
import { isIP } from "node:net";
import { formatMs } from "../../deadline.ts";
import {
  largestBodyBytes,
  requestPatienceMs,
  type HttpClient,
  type HttpOptions,
  type HttpReply,
  type HttpResponse,
} from "./http-response.ts";

/** From a port of the guest to one of this host's loopback address that leads there. */
export type Forward = (port: number) => Promise<number>;

const mostRedirects = 10;

/** Requests from this host through forwarded ports. */
export function hostHttpClient(forward: Forward): HttpClient {
  return async (url, options) => {
    let target = new URL(url);
    for (let redirects = 0; ; redirects += 1) {
      const reply = await requestOnce(target, await forward(portOf(target)), options);
      if (!options.followRedirects || redirects === mostRedirects) return reply;
      const location = "response" in reply ? redirectOf(reply.response) : undefined;
      if (location === undefined || !URL.canParse(location, target.href)) return reply;
      target = new URL(location, target);
    }
  };
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === "https:" ? 443 : 80);
}

function redirectOf({ status, headers }: HttpResponse): string | undefined {
  return status >= 300 && status < 400 ? headers["location"] : undefined;
}

async function requestOnce(url: URL, port: number, options: HttpOptions): Promise<HttpReply> {
  try {
    return { response: await send(url, port, options) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { timeoutMs = requestPatienceMs } = options;
    const isLate = error.name === "AbortError" || error.name === "TimeoutError";
    const late = `within ${formatMs(timeoutMs)}, as behind a firewall`;
    return { silence: `does not answer ${isLate ? late : `(${error.message})`}`, error };
  }
}

function send(
  url: URL,
  port: number,
  {
    method = "GET",
    headers = {},
    body,
    insecure = false,
    timeoutMs = requestPatienceMs,
  }: HttpOptions,
): Promise<HttpResponse> {
  const secure = url.protocol === "https:";
  const name = url.hostname;
  const options: RequestOptions & { servername?: string; rejectUnauthorized?: boolean } = {
    host: "127.0.0.1",
    port,
    method,
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, connection: "close", ...headers },
    signal: AbortSignal.timeout(timeoutMs),
    agent: false,
    ...(secure ? { rejectUnauthorized: !insecure } : {}),
    ...(secure && isIP(name) === 0 ? { servername: name } : {}),
  };
  return new Promise((resolve, reject) => {
    const request = (secure ? tlsRequest : plainRequest)(options, (incoming) => {
      read(incoming).then(resolve, reject);
    });
    request.once("error", reject);
    request.end(body);
  });
}

async function read(incoming: IncomingMessage): Promise<HttpResponse> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > largestBodyBytes) throw new Error(`more than ${largestBodyBytes} bytes of body`);
    chunks.push(chunk);
  }
  const headers = Object.entries(incoming.headersDistinct).map(
    ([name, values = []]) => [name, values.join(", ")] as const,
  );
  return {
    status: incoming.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks).toString(),
  };
}
