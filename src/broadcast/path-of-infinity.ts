interface Step {
  readonly key: string | number;
  readonly parent: Step | null;
}

/** Where a value of `JSON.parse` holds a number that is not finite; `undefined`: nowhere. */
export function pathOfInfinity(root: unknown): (string | number)[] | undefined {
  // Not by recursion: the depth is the client's choice.
  const stack: { readonly value: unknown; readonly at: Step | null }[] = [{ value: root, at: null }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, at } = next;
    if (typeof value === 'number' && !Number.isFinite(value)) return pathOf(at);
    if (typeof value !== 'object' || value === null) continue;
    const isList = Array.isArray(value);
    for (const [key, child] of Object.entries(value)) {
      if (typeof child === 'number' ? Number.isFinite(child) : typeof child !== 'object') continue;
      stack.push({ value: child, at: { key: isList ? Number(key) : key, parent: at } });
    }
  }
  return undefined;
}

/** Whether a value of `JSON.parse` has objects and arrays within each other more often than so. */
export function isDeeperThan(levels: number, root: unknown): boolean {
  const stack: { readonly value: unknown; readonly depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth === levels) return true;
    for (const child of Object.values(value)) {
      if (typeof child === 'object') stack.push({ value: child, depth: depth + 1 });
    }
  }
  return false;
}

function pathOf(at: Step | null): (string | number)[] {
  const path: (string | number)[] = [];
  for (let step = at; step !== null; step = step.parent) path.push(step.key);
  return path.reverse();
}
