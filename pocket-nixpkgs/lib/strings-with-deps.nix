# Pieces of text that must follow one another, such as activation scripts.
{ lib }:

rec {
  # The wanted names and everything they depend on, dependencies first, each once.
  textClosureList = predefined: wanted:
    let
      visit = done: names:
        if names == [ ] then
          { result = [ ]; inherit done; }
        else
          let
            entry = builtins.head names;
            rest = builtins.tail names;
          in
          if builtins.isAttrs entry then
            let
              before = visit done entry.deps;
              after = visit before.done rest;
            in
            {
              result = before.result ++ [ entry.text ] ++ after.result;
              inherit (after) done;
            }
          else if done.${entry} or false then
            visit done rest
          else
            visit (done // { ${entry} = true; }) ([ predefined.${entry} ] ++ rest);
    in
    (visit { } wanted).result;

  textClosureMap = f: predefined: names: lib.concatStringsSep "\n" (map f (textClosureList predefined names));

  noDepEntry = text: { inherit text; deps = [ ]; };
  fullDepEntry = text: deps: { inherit text deps; };
  packEntry = deps: { inherit deps; text = ""; };
  stringAfter = deps: text: { inherit text deps; };
}
