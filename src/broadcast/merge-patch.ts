type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (object: JsonObject, key: string): boolean => Object.hasOwn(object, key);

/** Deeper values go out whole: what others have published may be deeper than the stack. */
const maxLevels = 128;

/**
 * The RFC 7396 merge patch that turns `from` into `to`; arrays are replaced whole.
 * @returns `undefined` where no patch can say it: a merge patch cannot set a member to `null`, nor change the root
 *   between object and something else; and for what is nested too deep
 */
export function mergePatch(from: Json, to: Json, levels = maxLevels): JsonObject | undefined {
  if (levels === 0 || !isObject(from) || !isObject(to)) return undefined;
  const patch: Record<string, Json> = Object.create(null) as Record<string, Json>;
  for (const key of Object.keys(from)) if (!own(to, key) || to[key] === undefined) patch[key] = null;
  for (const key of Object.keys(to)) {
    const value = to[key];
    if (value === undefined) continue;
    const before = own(from, key) ? from[key] : undefined;
    if (isObject(value) && isObject(before)) {
      const inner = mergePatch(before, value, levels - 1);
      if (inner === undefined) return undefined;
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (!same(before, value, levels - 1)) {
      if (!isSettable(value, levels - 1)) return undefined;
      patch[key] = value;
    }
  }
  return patch;
}

/** Whether two values are the same; where they are nested too deep, they are not. */
function same(a: Json, b: Json, levels: number): boolean {
  if (a === b) return true;
  if (levels === 0) return false;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, i) => same(value, b[i], levels - 1));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => own(b, key) && same(a[key], b[key], levels - 1))
  );
}

/**
 * Whether a patch can set a member to this value: inside an object a `null` would delete instead, inside an array it is a
 * value. Not where it is nested too deep to tell.
 */
function isSettable(value: Json, levels: number): boolean {
  if (value === null) return false;
  if (!isObject(value)) return true;
  return levels > 0 && Object.values(value).every((member) => isSettable(member, levels - 1));
}
