# What a configuration declares beyond units and ports: users, file systems, files, settings of the kernel, virtual hosts
# and their certificates; each with the value that the vm gives it, and whether that is the machine's own.
{
  lib,
  # The configuration of the machine as it is deployed, and that of its vm.
  config,
  vmConfig,
  # Helpers of `manifest.nix`.
  text,
  optionName,
  attributeSource,
  elementSource,
}:

let
  # The attributes that the vm has otherwise, or `null` where it lacks the whole.
  replaced = mine: theirs: if theirs == null then null else lib.filter (name: mine.${name} != theirs.${name}) (lib.attrNames mine);

  # For each of a set of declarations: what is to be seen in the guest, and what of it is the vm's own. `key` tells them
  # apart: where sets were given as lists, their names are numbers of their places.
  promises =
    path: key: look:
    let
      seen =
        configuration:
        lib.listToAttrs (
          lib.concatLists (
            lib.mapAttrsToList (
              name: declaration:
              let
                value = look name declaration;
              in
              lib.optional (value != null) { name = value.${key}; value = { inherit name value; }; }
            ) (lib.attrByPath path { } configuration)
          )
        );
      inVm = seen vmConfig;
    in
    lib.mapAttrsToList (
      identity: { name, value }:
      let
        theirs = inVm.${identity}.value or null;
        source = attributeSource path name;
      in
      (if theirs != null then theirs else value)
      // source
      // {
        replaced = replaced value theirs;
        source = if source.file == null then optionName (path ++ [ identity ]) else source.source;
      }
    ) (seen config);

  shellPath = shell: text (if shell ? shellPath then "/run/current-system/sw${shell.shellPath}" else shell);

  users = promises [ "users" "users" ] "name" (
    name: user:
    if !(user.enable or true) then
      null
    else
      {
        name = user.name or name;
        uid = user.uid or null;
        group = toString user.group or "";
        home = text user.home or "";
        createHome = user.createHome or false;
        shell = if lib.elem user.shell [ null false ] then null else shellPath user.shell;
        authorizedKeys = lib.optionals (config.services.openssh.enable or false) (user.openssh.authorizedKeys.keys or [ ]);
      }
  );

  membersByAccount =
    group:
    lib.mapAttrsToList (name: user: user.name or name) (
      lib.filterAttrs (_: user: (user.enable or true) && lib.elem group (user.extraGroups or [ ])) (config.users.users or { })
    );

  groups = promises [ "users" "groups" ] "name" (
    name: group: {
      name = group.name or name;
      gid = group.gid or null;
      # Whoever is in it by their own account is not in the list everywhere.
      members = lib.unique (group.members or [ ] ++ membersByAccount (group.name or name));
    }
  );

  fileSystems = promises [ "fileSystems" ] "mountPoint" (
    _: fileSystem: {
      inherit (fileSystem) mountPoint;
      device = if fileSystem.device or null == null then null else text fileSystem.device;
      inherit (fileSystem) fsType options;
    }
  );

  sysctls = promises [ "boot" "kernel" "sysctl" ] "name" (
    name: value:
    if value == null then
      null
    else
      {
        inherit name;
        value = if lib.isBool value then (if value then "1" else "0") else toString value;
      }
  );

  etcFiles = promises [ "environment" "etc" ] "target" (
    _: entry:
    if !entry.enable then
      null
    else
      {
        inherit (entry) target mode;
        content = text entry.source;
      }
  );

  kernelModules = map (
    name: { inherit name; replaced = if lib.elem name vmConfig.boot.kernelModules or [ ] then [ ] else null; } // elementSource [ "boot" "kernelModules" ] name
  ) (lib.unique config.boot.kernelModules or [ ]);

  nginx = config.services.nginx or { };
  hosts = if nginx.enable or false then nginx.virtualHosts or { } else { };
  hostPath = [ "services" "nginx" "virtualHosts" ];
  serverNames = name: host: [ (if host.serverName or null != null then host.serverName else name) ] ++ host.serverAliases or [ ];
  hasTls = host: lib.any (setting: host.${setting} or false) [ "onlySSL" "addSSL" "forceSSL" "enableSSL" ];

  portOf = ssl: if ssl then nginx.defaultSSLListenPort or 443 else nginx.defaultHTTPListenPort or 80;

  listensOf =
    host:
    let
      tlsOnly = host.onlySSL or false || host.enableSSL or false;
      own = map (listen: listenOf (listen.ssl or null == true) listen) host.listen;
      # With and without TLS, as far as both the host and the line allow it.
      byDefault =
        listen:
        lib.optional (hasTls host && listen.ssl or null != false) (listenOf true listen)
        ++ lib.optional (!tlsOnly && listen.ssl or null != true) (listenOf false listen);
      listenOf = ssl: listen: {
        addr = listen.addr or "";
        port = if listen.port or null != null then listen.port else portOf ssl;
        inherit ssl;
        # Whoever connects has to say first for whom.
        behindProxy = listen.proxyProtocol or false || lib.elem "proxy_protocol" (listen.extraParameters or [ ]);
      };
      given = if host.listenAddresses or [ ] != [ ] then host.listenAddresses else nginx.defaultListenAddresses or [ "0.0.0.0" ];
      # One of a listener on every address is enough.
      addresses = if lib.elem "0.0.0.0" given then [ "" ] else given;
    in
    if host.listen != [ ] then
      lib.filter (listen: !lib.hasPrefix "unix:" listen.addr) own
    else if nginx.defaultListen or [ ] != [ ] then
      lib.concatMap byDefault (lib.filter (listen: !lib.hasPrefix "unix:" listen.addr) nginx.defaultListen)
    else
      lib.concatMap (addr: byDefault { inherit addr; }) addresses;

  virtualHosts = lib.mapAttrsToList (
    name: host:
    {
      inherit name;
      serverName = lib.head (serverNames name host);
      listens = listensOf host;
    }
    // attributeSource hostPath name
  ) hosts;

  certificates = lib.concatLists (
    lib.mapAttrsToList (
      name: host:
      let
        acmeName = if host.useACMEHost or null != null then host.useACMEHost else name;
        isAcme = host.enableACME or false || host.useACMEHost or null != null;
        directory = (config.security.acme.certs.${acmeName} or { }).directory or "/var/lib/acme/${acmeName}";
      in
      lib.optional (hasTls host) (
        {
          path = if isAcme then "${directory}/fullchain.pem" else toString host.sslCertificate;
          names = serverNames name host;
          inherit isAcme;
        }
        // attributeSource hostPath name
        // { source = optionName (hostPath ++ [ name (if isAcme then "enableACME" else "sslCertificate") ]); }
      )
    ) hosts
  );
in
{
  inherit
    users
    groups
    fileSystems
    sysctls
    kernelModules
    etcFiles
    virtualHosts
    certificates
    ;
}
