# Builders of single files: texts and scripts.
{ pkgs, lib }:

let
  inherit (pkgs) runtimeShell;
in
{
  writeTextFile =
    { name, text, executable ? false, destination ? "", checkPhase ? "", meta ? { }, derivationArgs ? { }, passthru ? { }, ... }:
    pkgs.runCommandLocal name
      (
        {
          inherit text executable destination checkPhase passthru;
          passAsFile = [ "text" ];
          meta = lib.optionalAttrs (executable && lib.hasPrefix "/bin/" destination) { mainProgram = lib.removePrefix "/bin/" destination; } // meta;
        }
        // derivationArgs
      )
      ''
        target=$out$destination
        mkdir -p "$(dirname "$target")"
        mv "$textPath" "$target"
        if [ -n "$executable" ]; then chmod +x "$target"; fi
        eval "$checkPhase"
      '';

  writeText = name: text: pkgs.writeTextFile { inherit name text; };
  writeTextDir = path: text: pkgs.writeTextFile { inherit text; name = baseNameOf path; destination = "/${path}"; };
  writeScript = name: text: pkgs.writeTextFile { inherit name text; executable = true; };
  writeScriptBin = name: text: pkgs.writeTextFile { inherit name text; executable = true; destination = "/bin/${name}"; };

  writeShellScript = name: text: pkgs.writeTextFile {
    inherit name;
    executable = true;
    text = "#!${runtimeShell}\n${text}\n";
    checkPhase = ''${runtimeShell} -n -O extglob "$target"'';
  };
  writeShellScriptBin = name: text: pkgs.writeTextFile {
    inherit name;
    executable = true;
    destination = "/bin/${name}";
    text = "#!${runtimeShell}\n${text}\n";
    checkPhase = ''${runtimeShell} -n -O extglob "$target"'';
  };
  writeShellApplication =
    { name, text, runtimeInputs ? [ ], runtimeEnv ? null, bashOptions ? [ "errexit" "nounset" "pipefail" ], inheritPath ? true, meta ? { }, ... }:
    pkgs.writeTextFile {
      inherit name meta;
      executable = true;
      destination = "/bin/${name}";
      text = ''
        #!${runtimeShell}
        ${lib.concatMapStrings (option: "set -o ${option}\n") bashOptions}
      ''
      + lib.concatStrings (lib.mapAttrsToList (variable: value: "export ${lib.toShellVar variable value}\n") (if runtimeEnv == null then { } else runtimeEnv))
      + lib.optionalString (runtimeInputs != [ ]) "export PATH=\"${lib.makeBinPath runtimeInputs}${lib.optionalString inheritPath ":$PATH"}\"\n"
      + "\n${text}\n";
      checkPhase = ''${runtimeShell} -n -O extglob "$target"'';
    };

  concatText = name: files: pkgs.runCommandLocal name { inherit files; } "cat $files > $out";

  # @name@ in a file becomes the attribute's value.
  substituteAll = { src, name ? baseNameOf (toString src), isExecutable ? false, dir ? null, ... }@attributes:
    pkgs.replaceVarsWith {
      inherit src name isExecutable;
      dir = dir;
      replacements = lib.filterAttrs (key: value: !(lib.elem key [ "src" "name" "isExecutable" "dir" "meta" "passthru" ]) && !(builtins.isFunction value)) attributes;
    };
  substitute = { src, name ? baseNameOf (toString src), substitutions ? [ ], ... }:
    pkgs.runCommandLocal name { inherit src; arguments = map toString substitutions; } ''
      text=$(cat "$src"; echo .)
      set -- $arguments
      while [ $# -gt 0 ]; do
        case $1 in
          --replace | --replace-fail | --replace-warn | --replace-quiet) text=''${text//"$2"/"$3"}; shift 3 ;;
          *) echo "substitute: $1 is not known here" >&2; exit 1 ;;
        esac
      done
      printf %s "''${text%.}" > $out
    '';
  replaceVars = src: replacements: pkgs.replaceVarsWith { inherit src replacements; };
  replaceVarsWith = { src, replacements, name ? baseNameOf (toString src), isExecutable ? false, dir ? null, ... }:
    let
      given = lib.filterAttrs (_: value: value != null) replacements;
      names = lib.attrNames given;
      text = builtins.replaceStrings (map (key: "@${key}@") names) (map (key: toString given.${key}) names) (builtins.readFile src);
    in
    pkgs.writeTextFile {
      inherit name text;
      executable = isExecutable;
      destination = lib.optionalString (dir != null) "/${dir}/${name}";
    };
}
