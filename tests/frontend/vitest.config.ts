import { defineConfig } from "vitest/config";

// Vitest reports failures with Map.groupBy, which Node 20 lacks: without this, a failing test looks like a crash.
if (!("groupBy" in Map)) {
  const groupBy = <K, V>(values: Iterable<V>, keyOf: (value: V) => K): Map<K, V[]> => {
    const groups = new Map<K, V[]>();
    for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
    return groups;
  };
  Object.assign(Map, { groupBy });
}

export default defineConfig({ test: { root: import.meta.dirname, include: ["**/*.test.ts"], environment: "node" } });
