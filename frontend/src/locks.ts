/** The names of the locks that a tab of this site has (Web Locks). */
export async function lockNames(): Promise<string[]> {
  const { held: locks = [] } = await navigator.locks.query();
  return locks.flatMap(({ name }) => name ?? []);
}
