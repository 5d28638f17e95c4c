import type { Declaration } from "./declarations.ts";

export interface Section {
  readonly title: string;
  readonly declarations: readonly Declaration[];
}

/** A page of Markdown: classes member by member, everything else as it is declared. */
export function renderPage({
  title,
  introduction,
  sections,
}: {
  readonly title: string;
  readonly introduction: string;
  readonly sections: readonly Section[];
}): string {
  const anchorOf = anchors(sections);
  const contents = sections.map((section) => {
    const links = section.declarations.map((declaration) => link(declaration.name, declaration));
    return `- ${link(section.title, section)}: ${links.join(", ")}`;
  });
  const body = sections.flatMap((section) => [
    `## ${section.title}`,
    ...section.declarations.flatMap(renderDeclaration),
  ]);
  return `${[`# ${title}`, introduction, contents.join("\n"), ...body].join("\n\n")}\n`;

  function link(text: string, target: Section | Declaration): string {
    return `[${text}](#${anchorOf.get(target)})`;
  }
}

function renderDeclaration(declaration: Declaration): string[] {
  const heading = [`### ${declaration.name}`, ...paragraphs(declaration.docs)];
  if (declaration.kind !== "class") return [...heading, codeBlock(declaration.text)];
  const names = [...new Set(declaration.members.map(({ name }) => name))];
  return [
    ...heading,
    ...names.flatMap((name) => {
      const overloads = declaration.members.filter((member) => member.name === name);
      return [
        `#### ${declaration.name}.${name}`,
        codeBlock(overloads.map(({ signature }) => signature).join("\n")),
        ...overloads.flatMap(({ docs }) => paragraphs(docs)),
      ];
    }),
  ];
}

function paragraphs(docs: string): string[] {
  return docs === "" ? [] : [docs];
}

function codeBlock(text: string): string {
  return ["```ts", text, "```"].join("\n");
}

/** As GitHub makes them of headings, which gets a number where it is not the first of its text. */
function anchors(sections: readonly Section[]): ReadonlyMap<Section | Declaration, string> {
  const seen = new Map<string, number>();
  const next = (heading: string): string => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .replace(/\s/g, "-");
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  };
  return new Map<Section | Declaration, string>(
    sections.flatMap((section) => [
      [section, next(section.title)] as const,
      ...section.declarations.map((declaration) => [declaration, next(declaration.name)] as const),
    ]),
  );
}
