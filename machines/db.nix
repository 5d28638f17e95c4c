# A database server: one database that belongs to one role, dumped by a timer every night.
{ config, pkgs, ... }:

let
  backupDirectory = "/var/backup/inventory";
in
{
  boot.loader.grub.device = "/dev/sda";

  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };

  networking.hostName = "db";

  services.postgresql = {
    enable = true;
    initialScript = pkgs.writeText "inventory.sql" ''
      CREATE ROLE inventory LOGIN;
      CREATE DATABASE inventory OWNER inventory;
      \connect inventory
      SET ROLE inventory;
      CREATE TABLE part (name text PRIMARY KEY, stock integer NOT NULL);
      INSERT INTO part VALUES ('bolt', 40), ('nut', 38);
    '';
  };

  systemd.services.inventory-backup = {
    description = "Dump of the inventory database";
    requires = [ "postgresql.service" ];
    after = [ "postgresql.service" ];
    path = [ config.services.postgresql.package ];
    serviceConfig = {
      Type = "oneshot";
      User = "postgres";
      ProtectSystem = "strict";
      ProtectHome = true;
      NoNewPrivileges = true;
      ReadWritePaths = [ backupDirectory ];
    };
    script = ''
      pg_dump --format=custom --file=${backupDirectory}/inventory.new inventory
      mv ${backupDirectory}/inventory.new ${backupDirectory}/inventory.dump
    '';
  };

  systemd.timers.inventory-backup = {
    description = "Nightly dump of the inventory database";
    wantedBy = [ "timers.target" ];
    timerConfig = {
      OnCalendar = "*-*-* 03:00:00";
      Persistent = true;
    };
  };

  # A database keeps its own cache: the kernel shall not push it out to swap.
  boot.kernel.sysctl."vm.swappiness" = 1;

  systemd.tmpfiles.rules = [ "d ${backupDirectory} 0700 postgres postgres -" ];

  system.stateVersion = "18.09";
}
