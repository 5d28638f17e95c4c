# A web server as people run it: one page behind nginx, ssh for its administrator, everything else closed.
{ pkgs, ... }:

let
  page = pkgs.writeTextDir "index.html" ''
    <!doctype html>
    <title>web</title>
    <h1>Welcome to web</h1>
  '';
in
{
  boot.loader.grub.device = "/dev/sda";

  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };

  networking = {
    hostName = "web";
    firewall.allowedTCPPorts = [ 22 80 ];
  };

  services.nginx = {
    enable = true;
    virtualHosts.localhost = {
      root = page;
      locations."/home".extraConfig = "return 301 /;";
      locations."= /robots.txt".alias = "/etc/web/robots.txt";
    };

    # Figures for this machine alone: the firewall keeps the port closed to others.
    virtualHosts.status = {
      listen = [ { addr = "0.0.0.0"; port = 8080; } ];
      locations."/".extraConfig = "stub_status;";
    };
  };

  environment.etc."web/robots.txt".text = ''
    User-agent: *
    Disallow: /home
  '';

  # Visitors on slow lines get full speed sooner, and a burst of them waits rather than being turned away.
  boot.kernelModules = [ "tcp_bbr" ];
  boot.kernel.sysctl = {
    "net.ipv4.tcp_congestion_control" = "bbr";
    "net.core.somaxconn" = 4096;
  };

  services.openssh.enable = true;

  users.users.admin = {
    isNormalUser = true;
    extraGroups = [ "wheel" ];
    openssh.authorizedKeys.keys = [
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7ZyQKlUOlBkyHmyvDLWYQ0mHnBYYOoS1TfD5Tz0e7r admin@example.org"
    ];
  };

  environment.systemPackages = [ pkgs.curl ];

  system.stateVersion = "18.09";
}
