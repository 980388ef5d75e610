import { expect, test } from "vitest";
import { ServerUnreachable } from "../../../frontend/src/api/errors";
import { LoadController } from "../../../frontend/src/components/load-controller";
import { host } from "../browser";

/** An answer that comes when the test says so. */
function later<T>() {
  let answer!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => ([answer, fail] = [resolve, reject]));
  return { load: () => promise, answer, fail };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

test("what is shown is not asked for again", async () => {
  const loading = new LoadController<string>(host);
  let asked = 0;
  const load = () => Promise.resolve(`answer ${++asked}`);

  loading.show("a", load);
  expect(loading.value).toBeNull();
  loading.show("a", load);
  await settled();

  expect([loading.value, asked]).toEqual(["answer 1", 1]);
});

test("a late answer about something else is dropped", async () => {
  const loading = new LoadController<string>(host);
  const [first, second] = [later<string>(), later<string>()];
  loading.show("a", first.load);
  loading.show("b", second.load);

  second.answer("of b");
  await settled();
  first.answer("of a");
  await settled();

  expect(loading.value).toBe("of b");
});

test("a late failure about something else is dropped", async () => {
  const loading = new LoadController<string>(host);
  const first = later<string>();
  loading.show("a", first.load);
  loading.clear();

  first.fail(new ServerUnreachable("late"));
  await settled();

  expect([loading.value, loading.problem]).toEqual([null, null]);
});

test("a failure is shown, and can be retried", async () => {
  const loading = new LoadController<string>(host);
  const answers = [() => Promise.reject(new ServerUnreachable("down")), () => Promise.resolve("up again")];
  loading.show("a", () => answers.shift()!());
  await settled();
  expect(loading.problem?.kind).toBe("server-unreachable");

  await loading.retry();

  expect([loading.value, loading.problem]).toEqual(["up again", null]);
});
