import { describe, expect, it } from "vitest";
import { parseRoute } from "../../../frontend/src/pages/router";
import { keyOf, searchOf, withSearch } from "../../../frontend/src/state/search";

const address = "/records?q=0xab&status=withdrawn&from=2026-01-01";
const search = { q: "0xab", status: "withdrawn", from: "2026-01-01" };

describe("a search in the address", () => {
  it("is read from it and written to it", () => {
    expect(searchOf(new URL(address, "http://x").searchParams)).toEqual(search);
    expect(withSearch("/records", search)).toBe(address);
    expect(parseRoute(new URL(address, "http://x"))).toEqual({ page: "records", search });
  });

  it("leaves out what is empty or unknown", () => {
    expect(searchOf(new URLSearchParams("q=+&label=&model=%20brain-mri%20&limit=5&cursor=1.2"))).toEqual({ model: "brain-mri" });
    expect(withSearch("/records", {})).toBe("/records");
  });

  it("escapes what people type", () => {
    expect(withSearch("/api/v1/records.csv", { q: "a&b=c#d" })).toBe("/api/v1/records.csv?q=a%26b%3Dc%23d");
  });

  it("is the same when it asks for the same", () => {
    expect(keyOf({ q: "a" })).toBe(keyOf(searchOf(new URLSearchParams("q=a&label="))));
    expect(keyOf({ q: "a" })).not.toBe(keyOf({ label: "a" }));
  });
});
