import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse as parseComment, type Spec } from "comment-parser";
import { parseSync, type Class, type Comment, type Node, type Statement } from "oxc-parser";
import { isolatedDeclarationSync } from "oxc-transform";

/** Something that an entry of the package exports, with the text of its docstring. */
export interface Declaration {
  readonly name: string;
  readonly kind: "class" | "interface" | "type" | "function" | "constant";
  /** Where it is declared. */
  readonly file: string;
  readonly docs: string;
  /** As it stands in the declaration file, docstrings of its fields included. */
  readonly text: string;
  /** Of a class, those it inherits from the project's own classes included. */
  readonly members: readonly Member[];
}

export interface Member {
  readonly name: string;
  /** A class may have a member of its own under the same name as one of its objects. */
  readonly isStatic: boolean;
  readonly signature: string;
  readonly docs: string;
}

/** The names that an entry exports, each with its declaration. */
export function exportsOf(entry: string): ReadonlyMap<string, Declaration> {
  const found = new Map<string, Declaration>();
  for (const { name, file, original } of reexports(entry)) {
    const declaration = declarationIn(file, original);
    if (declaration !== undefined) found.set(name, { ...declaration, name });
  }
  return found;
}

interface Module {
  readonly file: string;
  /** The text of its declaration file. */
  readonly code: string;
  readonly statements: readonly Statement[];
  readonly comments: readonly Comment[];
}

const modules = new Map<string, Module>();

function moduleOf(file: string): Module {
  const known = modules.get(file);
  if (known !== undefined) return known;
  const { code } = isolatedDeclarationSync(file, readFileSync(file, "utf8"));
  const { program, comments } = parseSync("module.d.ts", code);
  const module = { file, code, statements: program.body, comments };
  modules.set(file, module);
  return module;
}

interface Reexport {
  readonly name: string;
  readonly original: string;
  readonly file: string;
}

/** Every name of an entry that comes from a file of the project. */
function reexports(entry: string): Reexport[] {
  return moduleOf(entry).statements.flatMap((statement): Reexport[] => {
    if (statement.type !== "ExportNamedDeclaration") return [];
    const source = statement.source?.value;
    if (source === undefined) {
      const name = declaredName(statement.declaration);
      return name === undefined ? [] : [{ name, original: name, file: entry }];
    }
    if (!source.startsWith(".")) return [];
    const file = join(dirname(entry), source);
    return statement.specifiers.map(({ exported, local }) => ({
      name: nameOf(exported),
      original: nameOf(local),
      file,
    }));
  });
}

function declarationIn(file: string, name: string): Declaration | undefined {
  const module = moduleOf(file);
  for (const statement of module.statements) {
    if (statement.type !== "ExportNamedDeclaration") continue;
    const { declaration } = statement;
    if (declaration != null && declaredName(declaration) === name)
      return describe(module, statement, declaration, name);
  }
  const further = reexports(file).find((candidate) => candidate.name === name);
  return further === undefined || further.file === file
    ? undefined
    : declarationIn(further.file, further.original);
}

function describe(module: Module, statement: Node, declaration: Node, name: string): Declaration {
  const kind = (
    {
      ClassDeclaration: "class",
      TSInterfaceDeclaration: "interface",
      TSTypeAliasDeclaration: "type",
      VariableDeclaration: "constant",
    } as const
  )[declaration.type as string];
  return {
    name,
    kind: kind ?? "function",
    file: module.file,
    docs: docsBefore(module, statement.start),
    text: module.code
      .slice(statement.start, statement.end)
      .replace(/^export (?:declare )?/, "")
      .replaceAll("\t", "  "),
    members: declaration.type === "ClassDeclaration" ? membersOf(module, declaration) : [],
  };
}

function membersOf(module: Module, declaration: Class): Member[] {
  const own = declaration.body.body.flatMap((member): Member[] => {
    if (!("key" in member) || ("accessibility" in member && member.accessibility)) return [];
    if ("kind" in member && member.kind === "constructor") return [];
    const key = module.code.slice(member.key.start, member.key.end);
    const name = member.computed ? `[${key}]` : key;
    const docs = docsBefore(module, member.start);
    if (name.startsWith("#") || docs === internal) return [];
    const isStatic = "static" in member && member.static;
    return [{ name, isStatic, signature: signatureOf(module, member), docs }];
  });
  const base = declaration.superClass;
  if (base?.type !== "Identifier") return own;
  return [...own, ...inherited(module, base.name).filter(isNotIn(own))];
}

function isNotIn(own: readonly Member[]): (member: Member) => boolean {
  return ({ name, isStatic }) =>
    own.every((other) => other.name !== name || other.isStatic !== isStatic);
}

function inherited(module: Module, base: string): Member[] {
  for (const statement of module.statements) {
    if (statement.type === "ImportDeclaration" && statement.source.value.startsWith(".")) {
      const specifier = statement.specifiers.find(({ local }) => local.name === base);
      if (specifier?.type !== "ImportSpecifier") continue;
      const file = join(dirname(module.file), statement.source.value);
      return [...(declarationIn(file, nameOf(specifier.imported))?.members ?? [])];
    }
  }
  return [...(declarationIn(module.file, base)?.members ?? [])];
}

/** In one line; a parameter that is taken apart where it arrives is called what it is. */
function signatureOf({ code }: Module, member: Node): string {
  const parameters =
    "value" in member &&
    member.value !== null &&
    typeof member.value === "object" &&
    "params" in member.value
      ? (member.value.params as readonly Node[])
      : [];
  let text = "";
  let at = member.start;
  for (const parameter of parameters) {
    if (parameter.type !== "ObjectPattern") continue;
    const end = parameter.typeAnnotation?.start ?? parameter.end;
    const isOptional = code.slice(parameter.start, end).endsWith("?");
    text += `${code.slice(at, parameter.start)}options${isOptional ? "?" : ""}`;
    at = end;
  }
  text += code.slice(at, member.end);
  return text
    .replace(/\/\*\*?[^]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .replace(/;$/, "")
    .trim();
}

/** The docs of what is exported for the project's own other parts. */
const internal = "internal";

/** The docstring that ends where a declaration begins, as Markdown. */
function docsBefore({ code, comments }: Module, start: number): string {
  const comment = comments.findLast(
    ({ type, value, end }) =>
      type === "Block" &&
      value.startsWith("*") &&
      end <= start &&
      code.slice(end, start).trim() === "",
  );
  if (comment === undefined) return "";
  // Tags may stand at the end of a line.
  const text = code
    .slice(comment.start, comment.end)
    .replace(/ (?=@(?:throws|default|internal)\b)/g, "\n* ");
  const [block] = parseComment(text, { spacing: "preserve" });
  if (block === undefined) return "";
  if (block.tags.some(({ tag }) => tag === "internal")) return internal;
  return [oneLine(block.description), ...block.tags.map(renderTag)].filter(Boolean).join("\n\n");
}

function renderTag({ tag, type, name, description, source }: Spec): string {
  const text = oneLine(`${type} ${name} ${description}`).replace(/\.$/, "");
  if (tag === "throws") return `Throws ${text.replace(/(?<!`)\b[A-Z]\w*Error\b/g, "`$&`")}.`;
  if (tag === "default") return `Default: ${text}.`;
  if (tag === "param") return `- \`${name}\`: ${oneLine(description)}`;
  if (tag === "returns") return `Returns ${text}.`;
  if (tag === "example") {
    const lines = source.map(({ tokens }) => tokens.description).slice(1);
    return ["```ts", ...lines.filter(Boolean), "```"].join("\n");
  }
  throw new Error(`no rule for @${tag}`);
}

/** Links become names: the page has a heading for each. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, " ")
    .replace(/\{@link ([\w.]+)\}/g, "`$1`");
}

function declaredName(declaration: Node | null | undefined): string | undefined {
  if (declaration == null) return undefined;
  if (declaration.type === "VariableDeclaration") {
    const id = declaration.declarations[0]?.id;
    return id?.type === "Identifier" ? id.name : undefined;
  }
  return "id" in declaration &&
    declaration.id !== null &&
    typeof declaration.id === "object" &&
    "name" in declaration.id
    ? String(declaration.id.name)
    : undefined;
}

function nameOf(name: { readonly type: string }): string {
  return "name" in name ? String(name.name) : "value" in name ? String(name.value) : "";
}
