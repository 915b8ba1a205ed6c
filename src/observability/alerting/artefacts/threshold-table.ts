import { loadThresholds, type Target } from '../thresholds.js';

const words: Readonly<Record<Target['statistic'], string>> = {
  mean: 'mean',
  p95: 'p95',
  rate: 'while more is asked for',
  last: 'now',
};

/** The eight rows as a Markdown table. */
export function thresholdTable(): string {
  const rows = [...loadThresholds().targets.values()].map((target) => {
    const { component, statistic, warning, critical, unit } = target;
    const good = warning.direction === 'above' ? '<' : '>';
    const bad = critical.direction === 'above' ? '>' : '<';
    const number = (value: number) => `${value.toLocaleString('en-US')} ${unit}`;
    return `| ${component} | ${words[statistic]} | ${good} ${number(warning.threshold)} | ${bad} ${number(critical.threshold)} |`;
  });
  return ['| row | statistic | target | critical |', '|---|---|---|---|', ...rows].join('\n');
}

const begin = '<!-- thresholds: generated from alerts/thresholds.yml by `npm run generate` -->';
const end = '<!-- /thresholds -->';

/** @returns the document with the table between its marks; unchanged when it has none */
export function withThresholdTable(document: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) return document;
  return `${document.slice(0, from + begin.length)}\n\n${thresholdTable()}\n\n${document.slice(to)}`;
}
