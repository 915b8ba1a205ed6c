type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (object: JsonObject, key: string): boolean => Object.hasOwn(object, key);

/**
 * The RFC 7396 merge patch that turns `from` into `to`; arrays are replaced whole.
 * @returns `undefined` where no patch can say it: a merge patch cannot set a member to `null`, nor change the root
 *   between object and something else
 */
export function mergePatch(from: Json, to: Json): JsonObject | undefined {
  if (!isObject(from) || !isObject(to)) return undefined;
  const patch: Record<string, Json> = Object.create(null) as Record<string, Json>;
  for (const key of Object.keys(from)) if (!own(to, key) || to[key] === undefined) patch[key] = null;
  for (const key of Object.keys(to)) {
    const value = to[key];
    if (value === undefined) continue;
    const before = own(from, key) ? from[key] : undefined;
    if (isObject(value) && isObject(before)) {
      const inner = mergePatch(before, value);
      if (inner === undefined) return undefined;
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (!same(before, value)) {
      if (holdsNull(value)) return undefined;
      patch[key] = value;
    }
  }
  return patch;
}

/** Applies a merge patch (RFC 7396, 2) without changing its arguments. */
export function applyMergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const out: Record<string, Json> = { ...(isObject(target) ? target : {}) };
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete out[key];
    else define(out, key, applyMergePatch(own(out, key) ? out[key] : undefined, value));
  }
  return out;
}

/** `__proto__` is a member like any other in JSON. */
function define(object: Record<string, Json>, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else object[key] = value;
}

function same(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, i) => same(value, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => own(b, key) && same(a[key], b[key]));
}

/** Inside an object a `null` would delete instead of set; inside an array it is a value. */
function holdsNull(value: Json): boolean {
  if (value === null) return true;
  return isObject(value) && Object.values(value).some(holdsNull);
}
