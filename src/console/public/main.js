import { age } from './format.js';
import { drawDetail, drawEvents, drawLimits, drawPrices } from './panels/detail.js';
import { drawPortfolios } from './panels/portfolios.js';
import { drawTargets } from './panels/targets.js';
import { connect } from './socket.js';
import { applyList, applyMessage, applySummary, connectionState, createState } from './state.js';

const $ = (id) => document.getElementById(id);
const state = createState();
let dirty = true;

async function read(path) {
  const response = await fetch(path, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** What no topic carries yet is polled; a failed poll keeps the last known values and is tried again. */
async function poll() {
  try {
    const { items } = await read('/api/v1/portfolios?limit=100');
    applyList(state, items);
    const targets = await read('/api/v1/ops/targets');
    state.targets = targets.rows ?? targets.targets ?? [];
    await Promise.all(
      items.map(async ({ id }) => {
        const answer = await read(`/api/v1/risk/portfolio/${encodeURIComponent(id)}/metrics`);
        state.limits.set(
          id,
          (answer.metrics ?? answer.items ?? []).filter((m) => m.threshold_value != null),
        );
      }),
    );
    dirty = true;
  } catch (error) {
    console.warn('poll failed:', error);
  } finally {
    setTimeout(poll, 3_000);
  }
}

/** Before the first tick of the session there is still a last value to show. */
async function firstValues() {
  for (const id of [...state.portfolios.keys()]) {
    try {
      applySummary(state, id, await read(`/api/v1/analytics/portfolio/${encodeURIComponent(id)}/summary`));
    } catch (error) {
      console.warn('no summary yet:', error);
    }
  }
  dirty = true;
}

function draw() {
  requestAnimationFrame(draw);
  if (!dirty) return;
  dirty = false;
  $('portfolios-empty').hidden = state.portfolios.size > 0;
  drawTargets($('targets'), state.targets);
  drawPortfolios($('portfolios'), state, (id) => {
    state.selected = id;
    dirty = true;
  });
  const selected = state.portfolios.get(state.selected);
  drawDetail({ title: $('detail-title'), chart: $('chart'), stats: $('stats') }, selected);
  drawLimits($('limits'), state.limits.get(state.selected));
  drawEvents($('events'), state.events);
  drawPrices($('prices'), state.prices);
}

setInterval(() => {
  const shown = connectionState(state);
  $('connection').textContent = shown;
  $('connection').dataset.state = shown;
  $('age').textContent = state.heardAt ? age(Date.now() - state.heardAt) : '–';
  $('rate').textContent = `${state.received} msg/s`;
  state.received = 0;
}, 1_000);

connect(['analytics.*', 'risk.*', 'prices.*', 'limits.*', 'alerts', 'system'], {
  onState(connection) {
    state.connection = connection;
  },
  onMessage(topic, data) {
    applyMessage(state, topic, data);
    dirty = true;
  },
});
addEventListener('resize', () => {
  dirty = true;
});
poll().then(firstValues);
draw();
