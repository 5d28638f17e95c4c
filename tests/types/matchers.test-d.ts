// Checked by the compiler alone: what is wrong here must be an error, or `tsc` says that the directive is unused.
import { expect, type Machine } from "dryboot/test";

export async function right(web: Machine): Promise<void> {
  await expect(web.unit("nginx")).toBeActive();
  await expect(web.unit("nginx")).not.toBeFailed({ timeoutMs: 1000 });
  await expect.soft(web.port(80)).toBeListening();
  await expect(web.socket("/run/a")).toBeListening();
  await expect(web.file("/etc/hosts")).toHaveContent(/localhost/, { timeoutMs: 0 });
  await expect(web.http("http://localhost/")).toRespond({ status: 200, body: /a/ });
  await expect(web.mount("/")).toBeMounted({ fsType: "ext4", timeoutMs: 0 });
  await expect(web.user("root")).toBeMemberOf(["root"]);
  await expect(web.certificate({ port: 443 })).toBeValid({ forDays: 30, names: ["localhost"] });
  await expect(web.timer("backup")).toBeScheduled({ withinMs: 1000 });
  // What both kinds have, either may be asked.
  const listener: ReturnType<Machine["port"] | Machine["socket"]> = web.port(80);
  await expect(listener).toBeListening();
  // Other values keep vitest's own matchers.
  expect(await web.succeed("true")).toBe("");
}

export async function wrong(web: Machine): Promise<void> {
  // @ts-expect-error -- a file is never active
  await expect(web.file("/etc/hosts")).toBeActive();
  // @ts-expect-error -- nor is a name
  await expect("nginx.service").toBeActive();
  const either: ReturnType<Machine["port"] | Machine["unit"]> = web.port(80);
  // @ts-expect-error -- what one of them does not have, neither may be asked
  await expect(either).toBeActive();
  // @ts-expect-error -- a user and a group are two kinds
  await expect(web.user("root")).toHaveGid(0);
  // @ts-expect-error -- a port has no content
  await expect(web.port(80)).toHaveContent("a");
  // @ts-expect-error -- the limit is called timeoutMs
  await expect(web.unit("nginx")).toBeActive({ timeout: 1000 });
  // @ts-expect-error -- and it is a number
  await expect(web.unit("nginx")).toBeActive({ timeoutMs: "1 s" });
  // @ts-expect-error -- the content is missing
  await expect(web.file("/etc/hosts")).toHaveContent();
  // @ts-expect-error -- a response has no such part
  await expect(web.http("http://localhost/")).toRespond({ stauts: 200 });
  // @ts-expect-error -- a status is a number
  await expect(web.http("http://localhost/")).toRespond({ status: "200" });
  // @ts-expect-error -- options of a mount are a list
  await expect(web.mount("/")).toBeMounted({ options: "ro" });
  // @ts-expect-error -- no such type of a file
  await expect(web.file("/etc")).toHaveType("folder");
  // @ts-expect-error -- no such protocol
  await expect(web.port(80, { protocol: "sctp" })).toBeListening();
  // @ts-expect-error -- no such priority
  await expect(web.journal({ priority: "error" })).toHaveEntry("a");
  // @ts-expect-error -- requests come from the guest or from the host
  await expect(web.http("http://localhost/", { from: "outside" })).toRespond({});
}
