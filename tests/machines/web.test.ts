import { expect, test } from "dryboot/test";

test("serves the front page", async ({ machines }) => {
  const web = await machines.shared("web");

  await expect(web.unit("nginx.service")).toBeActive();
  await expect(web.port(80)).toBeListening();
  await expect(web.http("http://localhost/")).toRespond({
    status: 200,
    body: /Welcome to web/,
    headers: { "content-type": /^text\/html/ },
  });
});

test("answers 404 for a page that does not exist", async ({ machines }) => {
  const web = await machines.shared("web");

  await expect(web.http("http://localhost/missing")).toRespond({ status: 404 });
});

test("lets the administrator in by ssh", async ({ machines }) => {
  const web = await machines.shared("web");

  await web.waitForOpenPort(22);
  const groups = await web.succeed("id -nG admin");
  expect(groups.trim().split(" ")).toContain("wheel");
  const keys = await web.succeed("sshd -T -C user=admin | grep -i authorizedkeysfile");
  expect(keys).toContain("/etc/ssh/authorized_keys.d/");
});

test("the firewall lets nobody else see the status port", async ({ machines }) => {
  const web = await machines.shared("web");
  await expect(web.http("http://localhost:8080/")).toRespond({ body: /Active connections/ });

  // Packets from another network namespace pass the firewall as a neighbour's would; loopback is always let through.
  await web.succeed(`
    ip netns add neighbour
    ip link add host0 type veth peer name eth0 netns neighbour
    ip addr add 192.0.2.1/24 dev host0
    ip link set host0 up
    ip -n neighbour addr add 192.0.2.2/24 dev eth0
    ip -n neighbour link set eth0 up
  `);
  const knock = (port: number): string =>
    `ip netns exec neighbour timeout 5 bash -c '</dev/tcp/192.0.2.1/${port}'`;

  await web.waitUntilSucceeds(knock(80));
  await web.fail(knock(8080));
});
