# What a user needs to know beyond NixOS's own message when an option is missing here.
"\n\nThis is dryboot's pocket, which has only some of NixOS's options; all of them: dryboot --nixpkgs PATH, or NIX_PATH=nixpkgs=PATH, with the path of a real nixpkgs."
