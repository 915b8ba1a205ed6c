/** One line of a scrape. */
export interface ScrapedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const namePattern = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const labelPattern = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?/y;

/**
 * Samples of the wanted names in Prometheus' text format or OpenMetrics. Timestamps and exemplars are left out.
 * @throws SyntaxError with the number of the line that is no sample
 */
export function* parsePrometheusText(text: string, wanted: ReadonlySet<string>): Generator<ScrapedSample> {
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    if (line === '' || line.startsWith('#')) continue;
    namePattern.lastIndex = 0;
    const name = namePattern.exec(line)?.[0];
    if (name === undefined) throw new SyntaxError(`line ${number} is no sample`);
    if (wanted.has(name)) yield parseSample(name, line, number);
  }
}

function parseSample(name: string, line: string, number: number): ScrapedSample {
  const labels: Record<string, string> = {};
  let at = name.length;
  if (line[at] === '{') {
    at++;
    while (line[at] !== '}') {
      labelPattern.lastIndex = at;
      const match = labelPattern.exec(line);
      if (match === null) throw new SyntaxError(`line ${number} has broken labels`);
      labels[match[1] as string] = unescaped(match[2] as string);
      at = labelPattern.lastIndex;
    }
    at++;
  }
  const [text = ''] = line.slice(at).trim().split(/\s/, 1);
  const value = numeral(text);
  if (value === null) throw new SyntaxError(`line ${number} has no value`);
  return { name, labels, value };
}

function numeral(text: string): number | null {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN') return Number.NaN;
  return text === '' || Number.isNaN(Number(text)) ? null : Number(text);
}

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
