import { age, currency, number, percent, words } from '../format.js';
import { drawChart } from './chart.js';
import { headlineVar } from './portfolios.js';

export function drawDetail({ title, chart, stats }, portfolio) {
  if (!portfolio) return;
  title.textContent = `${portfolio.name} (${portfolio.id})`;
  drawChart(chart, portfolio.points, (v) => currency(v, portfolio.currency));
  const s = portfolio.summary ?? {};
  const { money, fraction } = headlineVar(portfolio.risk);
  const shown = [
    ['Value', currency(s.current_value, portfolio.currency)],
    ['Age of the data', age(s.data_age_ms)],
    ['Window', s.window ? `${s.window.size} / ${s.window.capacity}` : '–'],
    ['Mean', currency(s.mean, portfolio.currency)],
    ['Std', currency(s.std, portfolio.currency)],
    ['Low', currency(s.min, portfolio.currency)],
    ['High', currency(s.max, portfolio.currency)],
    ['Trend per tick', number(s.trend)],
    ['Volatility', percent(s.volatility)],
    ['Momentum 10', percent(s.momentum?.momentum_10, 3)],
    ['VaR 99 %, 1 day', currency(money, portfolio.currency)],
    ['VaR of value', percent(fraction)],
  ];
  stats.replaceChildren(
    ...shown.map(([name, value]) => {
      const item = document.createElement('div');
      const dt = document.createElement('dt');
      dt.textContent = name;
      const dd = document.createElement('dd');
      dd.textContent = value;
      item.append(dt, dd);
      return item;
    }),
  );
}

export function drawLimits(root, limits) {
  if (!limits?.length) {
    root.textContent = 'No limits set.';
    return;
  }
  root.replaceChildren(
    ...limits.map((limit) => {
      const line = document.createElement('div');
      line.className = 'limit';
      const name = document.createElement('span');
      name.className = 'status';
      name.dataset.status = limit.status ?? 'unknown';
      name.textContent = `${words(limit.limit_type ?? limit.metric_type)}: ${limit.status ?? 'unknown'}`;
      const meter = document.createElement('meter');
      meter.max = 1.25;
      meter.low = Number.isFinite(limit.warning_threshold)
        ? limit.warning_threshold / limit.threshold_value
        : 0.8;
      meter.high = 1;
      meter.optimum = 0;
      meter.value = limit.utilization ?? 0;
      const used = document.createElement('span');
      used.textContent = percent(limit.utilization, 0);
      line.append(name, meter, used);
      return line;
    }),
  );
}

export function drawEvents(root, events) {
  root.replaceChildren(
    ...events.slice(0, 40).map(({ at, family, id, data }) => {
      const line = document.createElement('li');
      const time = document.createElement('time');
      time.textContent = at.toLocaleTimeString();
      const what =
        family === 'limits'
          ? `${id}: ${words(data.limit_type ?? 'limit')} ${data.from} → ${data.to}`
          : `${data.name ?? 'alert'} ${data.state ?? ''}`;
      line.append(time, what);
      return line;
    }),
  );
}

export function drawPrices(root, prices) {
  root.replaceChildren(
    ...[...prices]
      .sort(([a], [b]) => a.localeCompare(b))
      .slice(0, 40)
      .map(([symbol, { price, move }]) => {
        const card = document.createElement('span');
        card.className = 'price';
        card.dataset.move = move > 0 ? 'up' : move < 0 ? 'down' : 'same';
        const value = document.createElement('b');
        value.textContent = number(price);
        card.append(symbol, value);
        return card;
      }),
  );
}
