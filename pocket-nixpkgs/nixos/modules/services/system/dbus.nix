# The message bus.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.services.dbus;
  packages = lib.unique ([ pkgs.dbus config.system.path ] ++ cfg.packages);

  # The policies of systemd's own services are errors where these users are missing.
  namedByPolicies = [ "systemd-network" "systemd-resolve" "systemd-timesync" ];

  includes = kind:
    lib.concatMapStrings (
      package:
      ''
        <includedir>${package}/share/dbus-1/${kind}.d</includedir>
        <includedir>${package}/etc/dbus-1/${kind}.d</includedir>
        <servicedir>${package}/share/dbus-1/${if kind == "system" then "system-services" else "services"}</servicedir>
      ''
    ) packages;

  # The distribution's own file names neither the store nor the place of the bus's helper.
  configurationOf = kind: head: pkgs.writeText "${kind}.conf" ''
    <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
    <busconfig>
      ${head}
      ${includes kind}
    </busconfig>
  '';
  system = configurationOf "system" ''
    <type>system</type>
    <user>messagebus</user>
    <fork/>
    <servicehelper>/run/wrappers/bin/dbus-daemon-launch-helper</servicehelper>
    <auth>EXTERNAL</auth>
    <listen>unix:path=/run/dbus/system_bus_socket</listen>
    <!-- An emulated processor with other work needs more than the usual 25 s to start logind, for which logins wait. -->
    <limit name="service_start_timeout">120000</limit>
    <policy context="default">
      <allow user="*"/>
      <deny own="*"/>
      <deny send_type="method_call"/>
      <allow send_type="signal"/>
      <allow send_requested_reply="true" send_type="method_return"/>
      <allow send_requested_reply="true" send_type="error"/>
      <allow receive_type="method_call"/>
      <allow receive_type="method_return"/>
      <allow receive_type="error"/>
      <allow receive_type="signal"/>
      <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
      <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
      <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
      <deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus" send_member="UpdateActivationEnvironment"/>
      <deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Debug.Stats"/>
      <deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.systemd1.Activator"/>
    </policy>
    <policy user="root">
      <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.systemd1.Activator"/>
      <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
      <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Debug.Stats"/>
    </policy>
  '';
  session = configurationOf "session" ''
    <type>session</type>
    <keep_umask/>
    <listen>unix:tmpdir=/tmp</listen>
    <auth>EXTERNAL</auth>
    <policy context="default">
      <allow send_destination="*" eavesdrop="true"/>
      <allow eavesdrop="true"/>
      <allow own="*"/>
    </policy>
  '';
in
{
  options.services.dbus = {
    enable = mkOption { type = types.bool; default = true; internal = true; description = "Whether there is a message bus."; };
    packages = mkOption { type = types.listOf types.path; default = [ ]; description = "Packages whose services and policies the bus knows."; };
    implementation = mkOption { type = types.enum [ "dbus" ]; default = "dbus"; description = "The implementation; the pocket has one."; };
  };

  config = lib.mkIf cfg.enable {
    environment.etc."dbus-1/system.conf".source = system;
    environment.etc."dbus-1/session.conf".source = session;
    environment.systemPackages = [ pkgs.dbus ];
    environment.pathsToLink = [ "/etc/dbus-1" "/share/dbus-1" ];

    users.users = {
      messagebus = {
        uid = config.ids.uids.messagebus;
        description = "D-Bus system message bus daemon user";
        home = "/run/dbus";
        group = "messagebus";
      };
    }
    // lib.genAttrs namedByPolicies (name: {
      uid = config.ids.uids.${name};
      group = name;
    });
    users.groups = lib.genAttrs ([ "messagebus" ] ++ namedByPolicies) (name: { gid = config.ids.gids.${name}; });

    services.dbus.packages = [ config.systemd.package ];

    systemd.sockets.dbus = {
      description = "D-Bus System Message Bus Socket";
      wantedBy = [ "sockets.target" ];
      socketConfig.ListenStream = "/run/dbus/system_bus_socket";
    };
    systemd.services.dbus = {
      description = "D-Bus System Message Bus";
      requires = [ "dbus.socket" ];
      # Every client would lose its connection, and logind its sessions.
      restartIfChanged = false;
      reloadIfChanged = true;
      reloadTriggers = [ system ];
      serviceConfig = {
        Type = "notify";
        NotifyAccess = "main";
        ExecStart = "${pkgs.dbus}/bin/dbus-daemon --config-file=/etc/dbus-1/system.conf --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only";
        ExecReload = "${pkgs.dbus}/bin/dbus-send --print-reply --system --type=method_call --dest=org.freedesktop.DBus / org.freedesktop.DBus.ReloadConfig";
        OOMScoreAdjust = -900;
      };
    };

    systemd.user.sockets.dbus = {
      description = "D-Bus User Message Bus Socket";
      wantedBy = [ "sockets.target" ];
      # pam_systemd tells the manager where it is: another process here would delay every session.
      socketConfig.ListenStream = "%t/bus";
    };
    systemd.user.services.dbus = {
      description = "D-Bus User Message Bus";
      requires = [ "dbus.socket" ];
      serviceConfig = {
        Type = "notify";
        NotifyAccess = "main";
        ExecStart = "${pkgs.dbus}/bin/dbus-daemon --config-file=/etc/dbus-1/session.conf --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only";
        Slice = "session.slice";
      };
    };
  };
}
