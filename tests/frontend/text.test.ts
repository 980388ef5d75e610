import { describe, expect, it } from "vitest";
import { parseMarkdown } from "../../frontend/src/markdown";
import { parseRoute } from "../../frontend/src/pages/router";
import * as format from "../../frontend/src/format";

describe("formatting", () => {
  it.each([
    [0.5, "50.0\u00a0%"],
    [0.98765, "98.8\u00a0%"],
    [0.99999, "99.9\u00a0%"],
    [1, "100.0\u00a0%"],
    [0, "0.0\u00a0%"],
  ])("percent(%d) is %s: certainty is never rounded up to", (value, text) => {
    expect(format.percent(value)).toBe(text);
  });

  it.each([
    [12, "12 B"],
    [2048, "2 KiB"],
    [26_214_400, "25 MiB"],
    [8 * 1024 ** 3, "8 GiB"],
  ])("bytes(%d) is %s", (value, text) => expect(format.bytes(value)).toBe(text));

  it.each([
    ["\u202e", "U+202E"],
    ["a\u0007", "U+0007"],
    ["\u2066x\u2069", "U+2066"],
    ["\u200b", "U+200B"],
    ["\ud800", "U+D800"],
    ["\u{e0041}", "U+E0041"],
    ["\r", "U+000D"],
    ["\u0085", "U+0085"],
    ["\u2028", "U+2028"],
  ])("finds and shows what readers do not see: %j", (text, name) => {
    expect(format.hiddenIn(text)).toBe(name);
    expect(format.hiddenIn(format.printable(text))).toBeNull();
    expect(format.printable(text)).toContain(name.replace("U+", "u{").replace(/{0+(?=.)/, "{"));
  });

  it.each(["A broad dural base.\n\tSeen on two slices.", "نمی‌خواهم", "👩‍⚕️ é ü 猫 \u00a0", ""])("leaves %j as it is", (text) => {
    expect(format.hiddenIn(text)).toBeNull();
    expect(format.printable(text)).toBe(text);
  });

  it("shows times in UTC", () => {
    expect(format.time(1_790_000_000)).toBe("21 Sept 2026, 14:13:20 UTC");
    expect(format.isoTime(0)).toBe("1970-01-01T00:00:00.000Z");
  });

  it("shortens hashes to their ends, and nothing that is short already", () => {
    expect(format.short(`0x${"ab".repeat(32)}`)).toBe("0xababab…ababab");
    expect(format.short("short")).toBe("short");
  });

  it("shows amounts with three digits", () => {
    expect(format.amount(133_618_000_000_000n, { symbol: "ETH", decimals: 18 })).toBe("0.000134 ETH");
    expect(format.gwei(2_000_000_000n)).toBe("2 gwei");
  });

  it("shows how long something takes", () => {
    expect([format.elapsed(900), format.elapsed(61_000), format.elapsed(-5)]).toEqual(["1 s", "1 min 1 s", "0 s"]);
  });

  it.each([
    [0, "", "0"],
    [24_894, "pixels", "24,894\u00a0pixels"],
    [0.98765, "", "0.988"],
    [-0.5, "", "-0.500"],
    [1942.0019, "", "1,942.0"],
    [19.2306, "%", "19.2\u00a0%"],
  ])("figure(%d, %s) is %s", (value, unit, text) => expect(format.figure(value, unit)).toBe(text));

  it("names the store", () => {
    expect(format.storeName({ name: "embedded" })).toBe("the block store of this machine");
    expect(format.storeName({ name: "pinata" })).toBe("IPFS through Pinata");
  });
});

describe("addresses", () => {
  const route = (path: string) => parseRoute(new URL(path, "http://127.0.0.1:5000"));
  it.each([
    ["/", { page: "home", study: "", image: "" }],
    ["/?study=ab", { page: "home", study: "ab", image: "" }],
    ["/?image=bafy", { page: "home", study: "", image: "bafy" }],
    ["/received", { page: "received" }],
    ["/records", { page: "records", search: {} }],
    ["/records/?q=0xAB", { page: "records", search: { q: "0xAB" } }],
    ["/records/0xABCD", { page: "record", imageId: "0xabcd", compared: "" }],
    ["/records/0xab?with=0xCD", { page: "record", imageId: "0xab", compared: "0xcd" }],
    ["/models", { page: "models" }],
    ["/ledger", { page: "ledger" }],
    ["/reviews", { page: "reviews" }],
    ["/records/a/b", { page: "missing" }],
    ["/models/x", { page: "missing" }],
    ["/other", { page: "missing" }],
  ])("%s", (path, expected) => expect(route(path)).toEqual(expected));
});

describe("Markdown", () => {
  const text = (value: string) => [{ type: "text", text: value }];

  it("reads headings, paragraphs over several lines, lists that go on, and code", () => {
    expect(parseMarkdown("# Title #\n\none\ntwo\n\n- a\n  b\n- c\n\n1. x\n\n```\nraw *x*\n```")).toEqual([
      { type: "heading", level: 1, content: text("Title") },
      { type: "paragraph", content: text("one two") },
      { type: "list", ordered: false, items: [text("a b"), text("c")] },
      { type: "list", ordered: true, items: [text("x")] },
      { type: "code", text: "raw *x*" },
    ]);
  });

  it("reads tables, with empty corner cells", () => {
    expect(parseMarkdown("|  | val |\n| --- | --- |\n| accuracy | 97 % |")).toEqual([
      { type: "table", header: [[], text("val")], rows: [[text("accuracy"), text("97 %")]] },
    ]);
  });

  it("reads inline marks", () => {
    const [paragraph] = parseMarkdown("**Use.** see *this* `code` and [a page](https://example.org/x).");
    expect(paragraph).toEqual({
      type: "paragraph",
      content: [
        { type: "strong", text: "Use." },
        { type: "text", text: " see " },
        { type: "emphasis", text: "this" },
        { type: "text", text: " " },
        { type: "code", text: "code" },
        { type: "text", text: " and " },
        { type: "link", text: "a page", href: "https://example.org/x" },
        { type: "text", text: "." },
      ],
    });
  });

  it("makes no link of a script, and no markup of HTML", () => {
    const source = "[x](javascript:alert(1)) <img src=x onerror=alert(1)>";
    expect(parseMarkdown(source)).toEqual([{ type: "paragraph", content: text(source) }]);
  });

  it("comes to an end on anything", () => {
    for (const source of ["```", "|", "| a |\n|", "- ", "#", "#x", "**", "\n\n\n", "1.", "| a |\n| --- |"]) {
      expect(Array.isArray(parseMarkdown(source))).toBe(true);
    }
  });
});
