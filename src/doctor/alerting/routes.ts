import { z } from 'zod';
import { readDocument } from '../../domain/read-document.js';

/** What is read of an Alertmanager configuration; the rest of it is Alertmanager's to judge. */
interface Route {
  readonly receiver?: string | undefined;
  readonly continue: boolean;
  readonly matchers: readonly string[];
  readonly match: Readonly<Record<string, string>>;
  readonly match_re: Readonly<Record<string, string>>;
  readonly routes: readonly Route[];
}
const route: z.ZodType<Route> = z.lazy(() =>
  z.object({
    receiver: z.string().optional(),
    continue: z.boolean().default(false),
    matchers: z.array(z.string()).default([]),
    match: z.record(z.string(), z.string()).default({}),
    match_re: z.record(z.string(), z.string()).default({}),
    routes: z.array(route).default([]),
  }),
);
const file = z.object({ route, receivers: z.array(z.looseObject({ name: z.string() })).default([]) });

export interface AlertRoutes {
  /** Names of the receivers that an alert with these labels reaches; empty when none does. */
  receiversOf(labels: Readonly<Record<string, string>>): readonly string[];
  /** `undefined`: no receiver has that name. Otherwise how many addresses it sends to. */
  addressesOf(receiver: string): number | undefined;
}

/** @throws Error when the text is no Alertmanager configuration, or a matcher cannot be read */
export function parseRoutes(text: string): AlertRoutes {
  const { route: root, receivers } = configuration(text);
  const addresses = new Map(
    receivers.map(({ name, ...rest }) => [
      name,
      Object.values(rest).reduce<number>((sum, entry) => sum + (Array.isArray(entry) ? entry.length : 0), 0),
    ]),
  );
  return {
    receiversOf: (labels) => [...new Set(reached(root, labels, root.receiver))],
    addressesOf: (receiver) => addresses.get(receiver),
  };
}

function configuration(text: string): z.output<typeof file> {
  try {
    return readDocument(file, text, 'YAML');
  } catch (error) {
    throw new Error(`no Alertmanager configuration: ${error instanceof Error ? error.message : error}`);
  }
}

/** Alertmanager's walk: the first child that matches takes the alert, and with `continue` the next ones as well. */
function reached(
  node: Route,
  labels: Readonly<Record<string, string>>,
  inherited: string | undefined,
): string[] {
  const receiver = node.receiver ?? inherited;
  const out: string[] = [];
  for (const child of node.routes) {
    if (!matches(child, labels)) continue;
    out.push(...reached(child, labels, receiver));
    if (!child.continue) break;
  }
  if (out.length > 0) return out;
  return receiver === undefined ? [] : [receiver];
}

function matches(node: Route, labels: Readonly<Record<string, string>>): boolean {
  const value = (label: string) => labels[label] ?? '';
  return (
    node.matchers.every((text) => matcherHolds(text, value)) &&
    Object.entries(node.match).every(([label, wanted]) => value(label) === wanted) &&
    Object.entries(node.match_re).every(([label, pattern]) => whole(pattern).test(value(label)))
  );
}

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);

function matcherHolds(text: string, value: (label: string) => string): boolean {
  const [, label = '', op, written = ''] = /^\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/.exec(text) ?? [];
  if (op === undefined) throw new Error(`the matcher ${text} cannot be read`);
  const wanted = written.replace(/^(["'])(.*)\1$/, '$2');
  const holds = op.endsWith('~') ? whole(wanted).test(value(label)) : value(label) === wanted;
  return op.startsWith('!') ? !holds : holds;
}
