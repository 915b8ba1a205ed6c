import { age } from './format.js';
import { askForKey, authorization, currentKey, forgetKey } from './key.js';
import { drawDetail, drawEvents, drawLimits, drawPrices } from './panels/detail.js';
import { drawPortfolios } from './panels/portfolios.js';
import { drawTargets } from './panels/targets.js';
import { connect } from './socket.js';
import { applyLimits, applyList, applyMessage, applySummary, connectionState, createState } from './state.js';

const $ = (id) => document.getElementById(id);
const state = createState();
let dirty = true;

async function read(path) {
  const key = currentKey();
  const response = await fetch(path, { headers: { accept: 'application/json', ...authorization() } });
  if (response.status === 401) {
    // Unless another request has led to a new one meanwhile.
    if (key === currentKey()) await askForKey($('key-form'));
    return read(path);
  }
  if (response.status === 403) refuse((await response.json()).detail);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** A key may see less than the page shows: then the page says so. */
function refuse(why) {
  $('refusal').textContent = why;
  $('refusal').hidden = false;
}

$('forget').onclick = () => {
  forgetKey();
  location.reload();
};

const failing = new Set();

/** Reads one thing; when that fails the last known value stays, and it is said once until it works again. */
async function refresh(path, apply) {
  try {
    apply(await read(path));
    failing.delete(path);
    dirty = true;
  } catch (error) {
    if (!failing.has(path)) console.warn('cannot refresh:', error);
    failing.add(path);
  }
}

/** What no topic carries yet is polled. */
async function poll() {
  await Promise.all([
    refresh('/api/v1/portfolios?limit=100', ({ items }) => applyList(state, items)),
    refresh('/api/v1/ops/targets', (answer) => {
      state.targets = answer.targets;
    }),
  ]);
  await Promise.all(
    [...state.portfolios.keys()].map((id) =>
      refresh(`/api/v1/risk/portfolio/${encodeURIComponent(id)}/metrics`, (answer) =>
        applyLimits(state, id, answer),
      ),
    ),
  );
  setTimeout(poll, 3_000);
}

/** Before the first tick of the session there is still a last value to show. */
async function firstValues() {
  for (const id of [...state.portfolios.keys()]) {
    await refresh(`/api/v1/analytics/portfolio/${encodeURIComponent(id)}/summary`, (summary) =>
      applySummary(state, id, summary),
    );
  }
}

function draw() {
  requestAnimationFrame(draw);
  if (!dirty) return;
  dirty = false;
  $('portfolios-empty').hidden = state.portfolios.size > 0;
  $('forget').hidden = currentKey() === null;
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
  document.body.dataset.state = shown;
  $('age').textContent = state.heardAt ? age(Date.now() - state.heardAt) : '–';
  $('rate').textContent = `${state.received} msg/s`;
  state.received = 0;
}, 1_000);

const topics = ['analytics.*', 'risk.*', 'prices.*', 'limits.*', 'alerts', 'system'];
const live = {
  key: currentKey,
  newKey: () => askForKey($('key-form')),
  onState(connection) {
    state.connection = connection;
  },
  onMessage(topic, data) {
    applyMessage(state, topic, data);
    dirty = true;
  },
};
addEventListener('resize', () => {
  dirty = true;
});
// What is read first also finds out whether a key is needed.
poll().then(() => {
  connect(topics, live);
  return firstValues();
});
draw();
