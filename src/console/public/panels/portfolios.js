import { currency, percent, words } from '../format.js';
import { drawSparkline } from './chart.js';

const rows = new Map();
const sparklinePoints = 240;

function row(id, root, onSelect) {
  let known = rows.get(id);
  if (known) return known;
  const tr = document.createElement('tr');
  tr.tabIndex = 0;
  const cells = Array.from({ length: 5 }, () => document.createElement('td'));
  cells[1].className = 'num';
  cells[3].className = 'num';
  const canvas = document.createElement('canvas');
  cells[2].append(canvas);
  const name = document.createElement('div');
  const code = document.createElement('div');
  code.className = 'id';
  code.textContent = id;
  cells[0].append(name, code);
  const status = document.createElement('span');
  status.className = 'status';
  cells[4].append(status);
  tr.append(...cells);
  const select = () => onSelect(id);
  tr.addEventListener('click', select);
  tr.addEventListener('keydown', (event) => event.key === 'Enter' && select());
  root.append(tr);
  known = { tr, name, value: cells[1], canvas, risk: cells[3], status };
  rows.set(id, known);
  return known;
}

/** The headline VaR of a risk publication: historical, 99 %, one day; a loss is positive. */
export const headlineVar = (risk) => ({ money: risk?.var ?? null, fraction: risk?.var_fraction ?? null });

const severity = { breach: 3, warning: 2, unknown: 1, normal: 0 };

export function worstLimit(limits) {
  return [...(limits ?? [])].sort(
    (a, b) =>
      (severity[b.status] ?? 0) - (severity[a.status] ?? 0) || (b.utilization ?? 0) - (a.utilization ?? 0),
  )[0];
}

export function drawPortfolios(root, state, onSelect) {
  for (const [id, { tr }] of rows) {
    if (state.portfolios.has(id)) continue;
    tr.remove();
    rows.delete(id);
  }
  for (const portfolio of state.portfolios.values()) {
    const known = row(portfolio.id, root, onSelect);
    known.name.textContent = portfolio.name;
    known.value.textContent = currency(portfolio.summary?.current_value, portfolio.currency);
    const { money, fraction } = headlineVar(portfolio.risk);
    known.risk.textContent = currency(money, portfolio.currency);
    known.risk.title = fraction === null ? '' : `${percent(fraction)} of the value`;
    const worst = worstLimit(state.limits.get(portfolio.id));
    known.status.dataset.status = worst?.status ?? 'unknown';
    known.status.textContent = worst
      ? `${words(worst.limit_type ?? worst.metric_type)} ${percent(worst.utilization, 0)}`
      : '–';
    known.tr.setAttribute('aria-selected', String(portfolio.id === state.selected));
    drawSparkline(known.canvas, portfolio.points.slice(-sparklinePoints));
  }
}
