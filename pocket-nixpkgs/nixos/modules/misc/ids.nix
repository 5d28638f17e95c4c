# Numbers of users and groups that stay the same on every machine.
{ lib, ... }:

{
  options.ids = {
    uids = lib.mkOption { type = lib.types.attrsOf lib.types.int; internal = true; description = "Numbers of users."; };
    gids = lib.mkOption { type = lib.types.attrsOf lib.types.int; internal = true; description = "Numbers of groups."; };
  };

  config.ids.uids = {
    root = 0;
    messagebus = 4;
    nginx = 60;
    postgres = 71;
    systemd-network = 152;
    systemd-resolve = 153;
    systemd-timesync = 154;
    nixbld = 30000;
    nobody = 65534;
  };

  config.ids.gids = {
    root = 0;
    wheel = 1;
    kmem = 2;
    tty = 3;
    messagebus = 4;
    disk = 6;
    audio = 17;
    floppy = 18;
    uucp = 19;
    lp = 20;
    cdrom = 24;
    tape = 25;
    video = 26;
    dialout = 27;
    utmp = 29;
    adm = 55;
    nginx = 60;
    systemd-journal = 62;
    postgres = 71;
    keys = 96;
    users = 100;
    systemd-network = 152;
    systemd-resolve = 153;
    systemd-timesync = 154;
    input = 174;
    kvm = 302;
    render = 303;
    sgx = 304;
    nixbld = 30000;
    nogroup = 65534;
  };
}
