# What a machine boots from: the initial ramdisk, its modules, the image of the store.
{ pkgs, lib }:

let
  closureOf = paths: "${pkgs.closureInfo { rootPaths = paths; }}/store-paths";

  # Programs that are not the distribution's own here but the host's.
  hostProgram = name: pkgs.writeShellScriptBin name ''
    self=$(readlink -f "''${BASH_SOURCE[0]}")
    IFS=:
    for directory in $PATH; do
      if [ -x "$directory/${name}" ] && [ "$(readlink -f "$directory/${name}")" != "$self" ]; then
        exec "$directory/${name}" "$@"
      fi
    done
    echo "${name} is not on this host's PATH: install QEMU (Debian: apt-get install qemu-system qemu-utils)" >&2
    exit 127
  '';

  # A guest is started by the host's QEMU, whose closure would be larger than all the rest.
  qemu = pkgs.symlinkJoin {
    name = "qemu-of-the-host";
    paths = map hostProgram [ "qemu-system-x86_64" "qemu-system-aarch64" "qemu-img" "qemu-nbd" "qemu-kvm" ];
    meta.mainProgram = "qemu-system-${lib.head (lib.splitString "-" pkgs.system)}";
  };
in
{
  inherit qemu;
  qemu_kvm = qemu;
  qemu_test = qemu;
  qemu-utils = qemu;

  # A cpio archive of the closures of `contents`, each object linked to from its `symlink`. Uncompressed unless asked:
  # an emulated kernel reads more bytes faster than it decompresses fewer.
  makeInitrd = { contents, name ? "initrd", compressor ? "cat", prepend ? [ ], ... }:
    pkgs.runCommandLocal name
      {
        nativeBuildInputs = [ pkgs.cpio pkgs.zstd pkgs.gzip pkgs.lz4 ];
        meta.mainProgram = "initrd";
        storePaths = closureOf (map (item: item.object) contents);
      }
      ''
        mkdir -p root/nix/store $out
        while IFS= read -r path; do cp -dR "$path" root/nix/store/; done < $storePaths
        ${lib.concatMapStrings (item: ''
          mkdir -p "$(dirname root${lib.escapeShellArg item.symlink})"
          ln -sfn ${item.object} root${lib.escapeShellArg item.symlink}
        '') (lib.filter (item: item ? symlink && item.symlink != null) contents)}
        find root -exec touch -h -d @1 {} +
        {
          ${lib.concatMapStrings (archive: "cat ${archive}\n") prepend}
          (cd root && find . -print0 | LC_ALL=C sort -z | cpio --quiet -o -0 -H newc -R 0:0 --reproducible) | ${compressor}
        } > $out/initrd
      '';

  # Modules with all that they need, in $out/lib/modules/<release>; `insmod-list` names the roots' order.
  makeModulesClosure = { kernel, rootModules, allowMissing ? false, firmware ? null, ... }:
    pkgs.runCommandLocal "${kernel.name or "linux"}-modules" { nativeBuildInputs = [ pkgs.kmod ]; inherit rootModules; } ''
      release=$(ls ${kernel}/lib/modules | head -n 1)
      # kmod looks below this path here: see relocations.nix.
      mkdir -p base/run/.p result/run/.p $out/lib/modules/$release
      ln -s ${kernel}/lib/modules base/run/.p/mods
      ln -s $out/lib/modules result/run/.p/mods
      for module in $rootModules; do
        if ! modprobe -d $PWD/base -S $release --show-depends "$module" > depends 2> why; then
          ${if allowMissing then ''echo "no module $module" >&2; continue'' else ''echo "the kernel has no module $module: $(< why)" >&2; exit 1''}
        fi
        while read -r word path options; do
          [ "$word" = insmod ] || continue
          path=''${path#*/run/.p/mods/}
          mkdir -p "$(dirname "$out/lib/modules/$path")"
          [ -e "$out/lib/modules/$path" ] || cp "${kernel}/lib/modules/$path" "$out/lib/modules/$path"
          echo "/lib/modules/$path" >> list
        done < depends
      done
      cp ${kernel}/lib/modules/$release/modules.builtin* ${kernel}/lib/modules/$release/modules.order $out/lib/modules/$release/
      depmod -b $PWD/result $release
      touch list
      awk '!seen[$0]++' list > $out/insmod-list
    '';

  # A read-only erofs image, labelled nix-store, with a closure's store paths at its root.
  makeStoreImage = { paths, name ? "nix-store-image", label ? "nix-store" }:
    pkgs.runCommandLocal name { nativeBuildInputs = [ pkgs.erofs-utils ]; storePaths = closureOf paths; } ''
      mkdir root
      xargs -a $storePaths cp -dR -t root
      mkfs.erofs --quiet -T 1 -U 00000000-0000-0000-0000-000000000000 --all-root -E nosbcrc "$out" root
      # This release's mkfs knows no labels: volume_name is 64 bytes into the superblock, which is at 1024.
      printf %s ${lib.escapeShellArg label} | dd of="$out" bs=1 seek=1088 conv=notrunc status=none
    '';

  # The locales of the C library in one archive, where LOCALE_ARCHIVE would lead on a NixOS.
  glibcLocales =
    let
      make = { allLocales ? true, locales ? [ "en_US.UTF-8/UTF-8" ] }:
        pkgs.runCommandLocal "glibc-locales" {
          nativeBuildInputs = [ pkgs.libc-bin ];
          I18NPATH = "${pkgs.locales}/share/i18n";
          # All of them take minutes, and nobody here reads most.
          wanted = if allLocales then [ "en_US.UTF-8/UTF-8" "C.UTF-8/UTF-8" ] else lib.unique ([ "C.UTF-8/UTF-8" ] ++ locales);
          passthru = { };
        } ''
          mkdir -p root/run/.p/locale $out/lib/locale
          for each in $wanted; do
            locale=''${each%/*}
            charset=''${each#*/}
            localedef --prefix="$PWD/root" -c -i "''${locale%%.*}" -f "$charset" "$locale" || [ -s root/run/.p/locale/locale-archive ]
          done
          mv root/run/.p/locale/locale-archive $out/lib/locale/
        '' // { override = make; };
    in
    make { };
}
