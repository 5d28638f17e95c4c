# nginx.conf of a configuration.
{ config, lib, pkgs }:

let
  cfg = config.services.nginx;

  when = lib.optionalString;
  ifSet = value: text: when (value != null) text;

  proxyHeaders = pkgs.writeText "nginx-recommended-proxy-headers.conf" ''
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Server $hostname;
  '';

  passwords = name: users: pkgs.writeText "${name}.htpasswd" (
    lib.concatStrings (lib.mapAttrsToList (user: password: "${user}:{PLAIN}${password}\n") users)
  );
  authentication = name: entry: when (entry.basicAuth != { } || entry.basicAuthFile != null) ''
    auth_basic secured;
    auth_basic_user_file ${if entry.basicAuthFile != null then entry.basicAuthFile else passwords name entry.basicAuth};
  '';

  location = hostName: path: l:
    let
      recommended = if l.recommendedProxySettings != null then l.recommendedProxySettings else cfg.recommendedProxySettings;
    in
    ''
      location ${path} {
        ${ifSet l.proxyPass "proxy_pass ${l.proxyPass};"}
        ${when l.proxyWebsockets ''
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
        ''}
        ${ifSet l.uwsgiPass "uwsgi_pass ${l.uwsgiPass};\ninclude ${cfg.package}/etc/nginx/uwsgi_params;"}
        ${lib.concatStrings (lib.mapAttrsToList (name: value: "fastcgi_param ${name} \"${value}\";\n") l.fastcgiParams)}
        ${ifSet l.index "index ${l.index};"}
        ${ifSet l.tryFiles "try_files ${l.tryFiles};"}
        ${ifSet l.root "root ${l.root};"}
        ${ifSet l.alias "alias ${l.alias};"}
        ${ifSet l.return "return ${toString l.return};"}
        ${l.extraConfig}
        ${when (l.proxyPass != null && recommended) "include ${proxyHeaders};"}
        ${authentication "${hostName}-location" l}
      }
    '';
  locations = hostName: set:
    lib.concatMapStrings (entry: location hostName entry.name entry.value) (
      lib.sortOn (entry: entry.value.priority) (lib.attrsToList set)
    );

  # The addresses of a host: its own, or all of the machine's on the usual ports.
  listenOf = host:
    let
      addresses = if host.listenAddresses != [ ] then host.listenAddresses else cfg.defaultListenAddresses;
      on = ssl: map (addr: { inherit addr ssl; port = if ssl then cfg.defaultSSLListenPort else cfg.defaultHTTPListenPort; proxyProtocol = false; extraParameters = [ ]; }) addresses;
      hasSsl = host.addSSL || host.onlySSL || host.forceSSL;
    in
    if host.listen != [ ] then host.listen else lib.optionals hasSsl (on true) ++ lib.optionals (!host.onlySSL) (on false);

  listenLine = host: l:
    "listen ${l.addr}${ifSet l.port ":${toString l.port}"} ${when l.ssl "ssl ${when host.http2 "http2 "}"}${when host.default "default_server "}${
      when l.proxyProtocol "proxy_protocol "
    }${toString l.extraParameters};\n";

  server = name: host:
    let
      serverName = if host.serverName != null then host.serverName else name;
      names = "server_name ${toString ([ serverName ] ++ host.serverAliases)};";
      listens = listenOf host;
      plain = builtins.filter (l: !l.ssl) listens;
      hasSsl = host.addSSL || host.onlySSL || host.forceSSL || lib.any (l: l.ssl) listens;
      own = if host.forceSSL then builtins.filter (l: l.ssl) listens else listens;
    in
    when host.forceSSL ''
      server {
        ${lib.concatMapStrings (listenLine host) plain}
        ${names}
        location / {
          return ${toString host.redirectCode} https://$host$request_uri;
        }
      }
    ''
    + ''
      server {
        ${lib.concatMapStrings (listenLine host) own}
        ${names}
        ${when hasSsl ''
          ssl_certificate ${host.sslCertificate};
          ssl_certificate_key ${host.sslCertificateKey};
        ''}
        ${ifSet host.root "root ${host.root};"}
        ${ifSet host.globalRedirect ''
          location / {
            return ${toString host.redirectCode} ${if hasSsl then "https" else "http"}://${host.globalRedirect}$request_uri;
          }
        ''}
        ${authentication name host}
        ${locations name host.locations}
        ${host.extraConfig}
      }
    '';

  upstream = name: u: ''
    upstream ${name} {
      ${lib.concatStrings (
        lib.mapAttrsToList (
          address: options:
          "server ${address} ${
            lib.concatStringsSep " " (
              lib.mapAttrsToList (key: value: if builtins.isBool value then when value key else "${key}=${toString value}") options
            )
          };\n"
        ) u.servers
      )}
      ${u.extraConfig}
    }
  '';
in
''
  pid /run/nginx/nginx.pid;
  error_log ${cfg.logError};
  daemon off;
  ${cfg.config}
  ${when (cfg.config == "") ''
    events {
      ${cfg.eventsConfig}
    }
    http {
      include ${cfg.defaultMimeTypes};
      default_type application/octet-stream;
      # Large enough for the types in that file.
      types_hash_max_size 4096;

      client_body_temp_path /var/cache/nginx/client_body;
      proxy_temp_path /var/cache/nginx/proxy;
      fastcgi_temp_path /var/cache/nginx/fastcgi;
      uwsgi_temp_path /var/cache/nginx/uwsgi;
      scgi_temp_path /var/cache/nginx/scgi;

      ${lib.concatStrings (lib.mapAttrsToList upstream cfg.upstreams)}
      ${when cfg.recommendedOptimisation ''
        sendfile on;
        tcp_nopush on;
        tcp_nodelay on;
        keepalive_timeout 65;
      ''}
      ssl_protocols ${cfg.sslProtocols};
      ${ifSet cfg.sslCiphers "ssl_ciphers ${cfg.sslCiphers};"}
      ${ifSet cfg.sslDhparam "ssl_dhparam ${cfg.sslDhparam};"}
      ${when cfg.recommendedTlsSettings ''
        ssl_session_timeout 1d;
        ssl_session_cache shared:SSL:10m;
        ssl_session_tickets off;
        ssl_prefer_server_ciphers off;
      ''}
      ${when cfg.recommendedGzipSettings ''
        gzip on;
        gzip_static on;
        gzip_vary on;
        gzip_comp_level 5;
        gzip_min_length 256;
        gzip_proxied expired no-cache no-store private auth;
        gzip_types application/atom+xml application/javascript application/json application/rss+xml application/wasm application/xhtml+xml application/xml font/otf font/ttf image/svg+xml image/x-icon text/css text/javascript text/plain text/xml;
      ''}
      ${when cfg.recommendedProxySettings ''
        proxy_redirect off;
        proxy_connect_timeout ${cfg.proxyTimeout};
        proxy_send_timeout ${cfg.proxyTimeout};
        proxy_read_timeout ${cfg.proxyTimeout};
        proxy_http_version 1.1;
        # A connection that is kept alive carries no Connection header of its own.
        proxy_set_header Connection "";
        include ${proxyHeaders};
      ''}
      map $http_upgrade $connection_upgrade {
        default upgrade;
        "" close;
      }
      client_max_body_size ${cfg.clientMaxBodySize};
      server_tokens ${if cfg.serverTokens then "on" else "off"};
      ${ifSet cfg.mapHashBucketSize "map_hash_bucket_size ${toString cfg.mapHashBucketSize};"}
      ${ifSet cfg.serverNamesHashBucketSize "server_names_hash_bucket_size ${toString cfg.serverNamesHashBucketSize};"}
      ${ifSet cfg.serverNamesHashMaxSize "server_names_hash_max_size ${toString cfg.serverNamesHashMaxSize};"}
      ${cfg.commonHttpConfig}
      ${lib.concatStrings (lib.mapAttrsToList server cfg.virtualHosts)}
      ${when cfg.statusPage ''
        server {
          listen 80;
          listen [::]:80;
          server_name localhost;
          location /nginx_status {
            stub_status on;
            access_log off;
            allow 127.0.0.1;
            allow ::1;
            deny all;
          }
        }
      ''}
      ${cfg.httpConfig}
      ${cfg.appendHttpConfig}
    }
    ${when (cfg.streamConfig != "") ''
      stream {
        ${cfg.streamConfig}
      }
    ''}
    ${cfg.appendConfig}
  ''}
''
