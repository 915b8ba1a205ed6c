/**
 * The JSON pointer of the first key that its object has twice; `undefined` when there is none. `JSON.parse` keeps the
 * last value and says nothing, so an order could be read as its opposite. Costs one pass over the text: the members
 * written are counted and compared with the members that are left.
 * @param text valid JSON
 * @param value what `JSON.parse` made of it
 */
export function duplicateKey(text: string, value: unknown): string | undefined {
  return membersWritten(text) === membersLeft(value) ? undefined : firstDuplicate(text);
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

function membersWritten(text: string): number {
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === colon) members++;
    else if (code === quote) i = endOfString(text, i);
  }
  return members;
}

/** Where the string that opens at `open` closes. */
function endOfString(text: string, open: number): number {
  for (let i = open + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) return i;
    if (code === backslash) i++;
  }
  return text.length;
}

function membersLeft(root: unknown): number {
  let members = 0;
  // Not by recursion: the depth is the client's choice.
  const stack = [root];
  while (stack.length > 0) {
    const next = stack.pop();
    if (typeof next !== 'object' || next === null) continue;
    const children: readonly unknown[] = Array.isArray(next) ? next : Object.values(next);
    if (!Array.isArray(next)) members += children.length;
    for (const child of children) if (typeof child === 'object') stack.push(child);
  }
  return members;
}

function firstDuplicate(text: string): string | undefined {
  const path: { readonly keys: Set<string> | null; at: string | number }[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    const top = path.at(-1);
    if (character === '{') path.push({ keys: new Set(), at: '' });
    else if (character === '[') path.push({ keys: null, at: 0 });
    else if (character === '}' || character === ']') path.pop();
    else if (character === ',' && typeof top?.at === 'number') top.at++;
    else if (character === '"') {
      const from = i;
      i = endOfString(text, from);
      if (!top?.keys || !/^\s*:/.test(text.slice(i + 1, text.indexOf(':', i + 1) + 1))) continue;
      top.at = JSON.parse(text.slice(from, i + 1)) as string;
      if (top.keys.has(top.at)) return pointerOf(path.map(({ at }) => at));
      top.keys.add(top.at);
    }
  }
  return undefined;
}

const pointerOf = (path: readonly (string | number)[]): string =>
  path.map((at) => `/${String(at).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
