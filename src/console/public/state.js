// What the page knows. Messages change it, one requestAnimationFrame draws it, however fast they arrive.

/** Points kept per portfolio for the charts; at four a second, ten minutes. */
const maxPoints = 2_400;
const maxEvents = 100;
/** Without a number for this long the page says so. */
const staleAfterMs = 5_000;

export function createState() {
  return {
    connection: 'connecting',
    /** Browser time of the newest publication. */
    heardAt: 0,
    received: 0,
    portfolios: new Map(),
    prices: new Map(),
    targets: [],
    limits: new Map(),
    events: [],
    selected: null,
  };
}

export const connectionState = (state, now = Date.now()) =>
  state.connection === 'live' && state.heardAt > 0 && now - state.heardAt > staleAfterMs
    ? 'stale'
    : state.connection;

function portfolio(state, id) {
  let known = state.portfolios.get(id);
  if (!known) {
    known = { id, name: id, currency: 'USD', summary: null, risk: null, points: [] };
    state.portfolios.set(id, known);
    state.selected ??= id;
  }
  return known;
}

function forget(state, id) {
  state.portfolios.delete(id);
  state.limits.delete(id);
  if (state.selected === id) state.selected = state.portfolios.keys().next().value ?? null;
}

export function applyList(state, items) {
  const listed = new Set(items.map(({ id }) => id));
  for (const id of state.portfolios.keys()) if (!listed.has(id)) forget(state, id);
  for (const item of items) {
    const known = portfolio(state, item.id);
    known.name = item.name;
    known.currency = item.currency;
  }
}

export function applyLimits(state, id, answer) {
  const metrics = answer.metrics ?? answer.items ?? [];
  state.limits.set(
    id,
    metrics.filter(({ threshold_value }) => threshold_value != null),
  );
}

export function applySummary(state, id, summary) {
  const known = portfolio(state, id);
  known.summary = summary;
  if (Number.isFinite(summary.current_value)) {
    known.points.push({ t: Date.now(), v: summary.current_value });
    if (known.points.length > maxPoints) known.points.splice(0, known.points.length - maxPoints);
  }
}

export function applyMessage(state, topic, data) {
  state.heardAt = Date.now();
  state.received++;
  const dot = topic.indexOf('.');
  const family = dot < 0 ? topic : topic.slice(0, dot);
  const id = topic.slice(dot + 1);
  if (family === 'analytics') applySummary(state, id, data);
  else if (family === 'risk') portfolio(state, id).risk = data;
  else if (family === 'prices') {
    const before = state.prices.get(id)?.price;
    state.prices.set(id, {
      price: data.price,
      move: before === undefined ? 0 : Math.sign(data.price - before),
    });
  } else if (family === 'limits' || family === 'alerts') {
    state.events.unshift({ at: new Date(), family, id, data });
    state.events.length = Math.min(state.events.length, maxEvents);
  }
}
