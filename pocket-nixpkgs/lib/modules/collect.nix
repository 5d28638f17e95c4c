# From what users write as modules to a flat list of modules of one shape, imports followed.
{ lib }:

let
  inherit (lib) isFunction optional;
  inherit (lib.modules) mkMerge;
  inherit (lib.options) showDefs unknownModule;

  # What a module may have at its top once it has `options` or `config`.
  moduleAttributes = [ "_class" "_file" "key" "disabledModules" "imports" "options" "config" "meta" "freeformType" ];

  applyModuleArgs = key: f: args:
    let
      context = name: ''while evaluating the module argument `${name}' in "${key}":'';
      fromModules = name:
        builtins.addErrorContext
          "noting that argument `${name}` is not externally provided, so querying `_module.args` instead, requiring `config`"
          args.config._module.args.${name};
      wanted = builtins.mapAttrs (
        name: _: builtins.addErrorContext (context name) (args.${name} or (fromModules name))
      ) (lib.functionArgs f);
    in
    f (args // wanted);

  # `file` and `key` serve a module that names neither itself.
  loadModule = args: file: key: module:
    if isFunction module then
      unifyModuleSyntax file key (applyModuleArgs key module args)
    else if builtins.isAttrs module then
      (
        let
          kind = module._type or "module";
        in
        if kind == "module" then
          unifyModuleSyntax file key module
        else if kind == "if" || kind == "override" then
          loadModule args file key { config = module; }
        else
          throw "Could not load a value as a module, because it is of type ${lib.strings.escapeNixString kind}, in file ${toString file}."
      )
    else if builtins.isList module then
      throw "Module imports can't be nested lists. Perhaps you meant to remove one level of lists? Definitions: ${showDefs [ { inherit file; value = module; } ]}"
    else
      let
        path = toString module;
      in
      unifyModuleSyntax path path (applyModuleArgsIfFunction path (import module) args);

  applyModuleArgsIfFunction = key: value: args: if isFunction value then applyModuleArgs key value args else value;

  unifyModuleSyntax = file: key: module:
    let
      unsupported = builtins.attrNames (removeAttrs module moduleAttributes);
      withFreeform = config:
        if module ? freeformType then mkMerge [ config { _module.freeformType = module.freeformType; } ] else config;
      withMeta = config: if module ? meta then mkMerge [ config { inherit (module) meta; } ] else config;
      common = {
        _file = toString module._file or file;
        _class = module._class or null;
        key = toString module.key or key;
        disabledModules = module.disabledModules or [ ];
      };
    in
    if !builtins.isAttrs module then
      throw "module ${file} (${key}) does not look like a module."
    else if module ? config || module ? options then
      if unsupported != [ ] then
        throw "Module `${key}' has an unsupported attribute `${builtins.head unsupported}'. Once a module has `config' or `options' at its top, definitions belong into `config' (here: ${toString unsupported})."
      else
        common
        // {
          imports = module.imports or [ ];
          options = module.options or { };
          config = withFreeform (withMeta (module.config or { }));
        }
    else
      common
      // {
        imports = module.require or [ ] ++ module.imports or [ ];
        options = { };
        config = withFreeform (
          removeAttrs module [ "_class" "_file" "key" "disabledModules" "require" "imports" "freeformType" ]
        );
      };

  checkClass = class: module:
    if class == null || module._class == null || module._class == class then
      module
    else
      throw "The module `${module._file}` (class: ${lib.strings.escapeNixString module._class}) cannot be imported into a module evaluation that expects class ${lib.strings.escapeNixString class}.";

  # The key that an item of disabledModules stands for.
  disabledKey = modulesPath: file: item:
    if builtins.isString item then
      (if builtins.substring 0 1 item == "/" then item else "${toString modulesPath}/${item}")
    else if lib.strings.isConvertibleWithToString item then
      toString item
    else if item ? key then
      item.key
    else
      throw "Module `${file}` contains a disabledModules item that is neither a path, nor a string, nor an attribute set with a `key`.";
in
{
  inherit unifyModuleSyntax applyModuleArgsIfFunction;

  collectModules = class: modulesPath: initialModules: args:
    let
      # A tree of { key, module, modules, disabled }.
      read = parentFile: parentKey: modules:
        let
          nodes = lib.imap1 (
            index: value:
            let
              module = checkClass class (loadModule args parentFile "${parentKey}:anon-${toString index}" value);
              children = read module._file module.key module.imports;
            in
            {
              inherit (module) key;
              inherit module;
              inherit (children) modules;
              disabled =
                optional (module.disabledModules != [ ]) { file = module._file; items = module.disabledModules; }
                ++ children.disabled;
            }
          ) modules;
        in
        {
          modules = nodes;
          disabled = lib.concatLists (builtins.catAttrs "disabled" nodes);
        };
      tree = read unknownModule "" initialModules;
      disabledKeys = lib.concatMap ({ file, items }: map (disabledKey modulesPath file) items) tree.disabled;
      enabled = builtins.filter (node: !(builtins.elem node.key disabledKeys));
      show = map (node: {
        inherit (node) key;
        file = node.module._file;
        disabled = builtins.elem node.key disabledKeys;
        imports = show node.modules;
      });
    in
    {
      modules = map (node: node.module) (
        builtins.genericClosure {
          startSet = enabled tree.modules;
          operator = node: enabled node.modules;
        }
      );
      graph = show tree.modules;
    };

  setDefaultModuleLocation = file: module: {
    _file = file;
    imports = [ module ];
  };

  importApply = modulePath: staticArgs: lib.modules.setDefaultModuleLocation modulePath (import modulePath staticArgs);
  importJSON = file: { _file = file; config = lib.importJSON file; };
  importTOML = file: { _file = file; config = lib.importTOML file; };
}
