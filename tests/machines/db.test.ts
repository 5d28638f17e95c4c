import { expect, test } from "dryboot/test";

test("keeps its stock in the database", async ({ machines }) => {
  const db = await machines.shared("db");

  await db.waitForUnit("postgresql.service");
  const rows = await db.waitUntilSucceeds(
    "su -l postgres -s /bin/sh -c 'psql -Atc \"SELECT name, stock FROM part ORDER BY name\" inventory'",
  );
  expect(rows).toBe("bolt|40\nnut|38\n");
});

test("the nightly dump can be restored", async ({ machines }) => {
  const db = await machines.shared("db");

  await expect(db.unit("inventory-backup.timer")).toBeActive();
  await db.succeed("systemctl start inventory-backup.service");

  const dump = db.file("/var/backup/inventory/inventory.dump");
  await expect(dump).toExist();
  await expect(dump).toHaveOwner("postgres");
  const listing = await db.succeed(
    "su -l postgres -s /bin/sh -c 'pg_restore --list /var/backup/inventory/inventory.dump'",
  );
  expect(listing).toContain("TABLE DATA public part inventory");
});
