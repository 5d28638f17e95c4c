# What a package needs beyond unpacking, where the distribution would have asked its maintainer scripts, or has a path
# compiled in that an environment variable can name: shell text that runs in the package's tree, by the name of its group.
let
  # The program behind a script that sets its environment.
  wrap = program: environment: ''
    mv bin/${program} bin/.${program}-wrapped
    {
      echo '#!/bin/bash'
      echo ${environment}
      echo "exec -a ${program} $out/bin/.${program}-wrapped \"\$@\""
    } > bin/${program}
    chmod +x bin/${program}
  '';
in
{
  bash = "ln -sfn bash bin/sh";
  gawk = "ln -sfn gawk bin/awk";
  vim = "for name in vi vim; do ln -sfn vim.tiny bin/$name; done";
  netcat = "for name in nc netcat; do ln -sfn nc.openbsd bin/$name; done";
  which = "ln -sfn which.debianutils bin/which";
  python3 = "[ -e bin/python ] || ln -s python3 bin/python";
  ncurses = "[ -e share/terminfo ] || ln -s ../lib/terminfo share/terminfo";
  shadow = "rm -f bin/su";
  wget = "rm -rf etc";

  perl = ''
    mv bin/perl bin/.perl-wrapped
    rm -f bin/perl5.*
    directories=
    for directory in $out/lib/perl-base $out/lib/perl/5* $out/share/perl/5* $out/lib/perl5 $out/lib/perl5/5* $out/share/perl5; do
      if [ -d $directory ] && [ ! -L $directory ]; then directories=$directories:$directory; fi
    done
    {
      echo '#!/bin/bash'
      echo 'export PERL5LIB=''${PERL5LIB:+$PERL5LIB:}'"''${directories#:}"
      echo "exec -a perl $out/bin/.perl-wrapped \"\$@\""
    } > bin/perl
    chmod +x bin/perl
  '';
  openssl = wrap "openssl" ''"export OPENSSL_CONF=\''${OPENSSL_CONF:-$out/etc/ssl/openssl.cnf}"'';
  git = wrap "git" ''"export GIT_EXEC_PATH=$out/lib/git-core GIT_TEMPLATE_DIR=$out/share/git-core/templates"'';
  file = wrap "file" ''"export MAGIC=$out/lib/file/magic.mgc"'';
  iptables = ''
    for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
      rm -f bin/$name
      {
        echo '#!/bin/bash'
        echo "export XTABLES_LIBDIR=$out/lib/xtables"
        echo "exec -a $name $out/bin/xtables-nft-multi \"\$@\""
      } > bin/$name
      chmod +x bin/$name
    done
  '';
  cacert = ''
    mkdir -p etc/ssl/certs
    for certificate in share/ca-certificates/mozilla/*.crt; do
      while IFS= read -r line; do echo "$line"; done < $certificate
    done > etc/ssl/certs/ca-bundle.crt
    ln -s ca-bundle.crt etc/ssl/certs/ca-certificates.crt
  '';
  # The loader's path is a shell variable in it.
  libc-bin = ''
    for dependency in $dependencies; do
      if [ -e $dependency/lib/$loader ]; then
        text=$(< bin/ldd)
        while [[ $text =~ (^|$'\n')RTLDLIST=[^$'\n']* ]]; do text=''${text/"''${BASH_REMATCH[0]}"/$'\n'rtldlist="'$dependency/lib/$loader'"}; done
        printf '%s\n' "''${text//RTLDLIST/rtldlist}" > bin/ldd
      fi
    done
  '';
  # The compiler for queries would bring all of LLVM; without its plug-in the server interprets them.
  postgresql = ''
    rm -rf lib/postgresql/*/lib/llvmjit* lib/postgresql/*/lib/bitcode
    for program in lib/postgresql/*/bin/*; do ln -sfn ../$program bin/; done
  '';
  linux = ''
    mv boot/vmlinuz-* bzImage
    mv boot/System.map-* System.map
    mv boot/config-* config
    rm -rf boot share
    # modules.dep and its like, which the distribution makes when it installs a kernel; depmod looks below /run/.p here.
    mkdir -p $NIX_BUILD_TOP/base/run/.p
    ln -s $out/lib/modules $NIX_BUILD_TOP/base/run/.p/mods
    for release in lib/modules/*; do
      rm -f $release/build $release/source
      for dependency in $dependencies; do
        if [ -x $dependency/bin/depmod ]; then $dependency/bin/depmod -b $NIX_BUILD_TOP/base ''${release##*/}; fi
      done
    done
  '';
}
