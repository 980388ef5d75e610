/**
 * The part of Markdown that model cards use, as a tree. Text stays text: the tree is rendered through templates, never
 * as HTML, so that a card cannot bring markup of its own.
 */

export type Inline =
  | { type: "text" | "strong" | "emphasis" | "code"; text: string }
  | { type: "link"; text: string; href: string };

export type BlockNode =
  | { type: "heading"; level: number; content: Inline[] }
  | { type: "paragraph"; content: Inline[] }
  | { type: "list"; ordered: boolean; items: Inline[][] }
  | { type: "table"; header: Inline[][]; rows: Inline[][][] }
  | { type: "code"; text: string };

const BULLET = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;
const RULE = /^\s*\|?\s*:?-{3,}:?\s*(\|\s*:?-{3,}:?\s*)*\|?\s*$/;
const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/g;

export function parseMarkdown(source: string): BlockNode[] {
  const lines = source.replaceAll("\r\n", "\n").split("\n");
  const blocks: BlockNode[] = [];
  let place = 0;
  const takeWhile = (test: (line: string) => boolean): string[] => {
    const start = place;
    while (place < lines.length && test(lines[place] ?? "")) place++;
    return lines.slice(start, place);
  };
  while (place < lines.length) {
    const line = lines[place] ?? "";
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (!line.trim()) {
      place++;
    } else if (line.startsWith("```")) {
      place++;
      blocks.push({ type: "code", text: takeWhile((next) => !next.startsWith("```")).join("\n") });
      place++;
    } else if (heading) {
      place++;
      const [, marks = "", title = ""] = heading;
      blocks.push({ type: "heading", level: marks.length, content: parseInline(title) });
    } else if (line.includes("|") && RULE.test(lines[place + 1] ?? "")) {
      const [header = "", , ...rows] = takeWhile((next) => next.includes("|"));
      blocks.push({ type: "table", header: cells(header), rows: rows.map(cells) });
    } else if (BULLET.test(line)) {
      const ordered = BULLET.exec(line)?.[1] !== undefined;
      blocks.push({ type: "list", ordered, items: items(takeWhile((next) => next.trim() !== "")) });
    } else {
      const text = takeWhile((next) => next.trim() !== "" && !/^(#{1,6}\s|```)/.test(next) && !BULLET.test(next));
      blocks.push({ type: "paragraph", content: parseInline(text.map((part) => part.trim()).join(" ")) });
    }
  }
  return blocks;
}

/** Lines that begin with no bullet go on with the item before. */
function items(lines: string[]): Inline[][] {
  const texts: string[] = [];
  for (const line of lines) {
    const bullet = BULLET.exec(line);
    if (bullet) texts.push(bullet[2] ?? "");
    else texts.push(`${texts.pop() ?? ""} ${line.trim()}`);
  }
  return texts.map(parseInline);
}

function cells(line: string): Inline[][] {
  return line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => parseInline(cell.trim()));
}

function parseInline(text: string): Inline[] {
  const found: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, strong, emphasis, label = "", href = ""] = match;
    if (match.index > end) found.push({ type: "text", text: text.slice(end, match.index) });
    if (code !== undefined) found.push({ type: "code", text: code });
    else if (strong !== undefined) found.push({ type: "strong", text: strong });
    else if (emphasis !== undefined) found.push({ type: "emphasis", text: emphasis });
    else found.push({ type: "link", text: label, href });
    end = match.index + whole.length;
  }
  if (end < text.length) found.push({ type: "text", text: text.slice(end) });
  return found;
}
