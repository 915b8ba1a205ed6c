const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Resolves light-dark() and other functions to a colour that a canvas understands. */
function colour(name) {
  const probe = document.createElement('span');
  probe.style.color = style(name);
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

let palette;
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  palette = undefined;
});
const colours = () =>
  (palette ??= { line: colour('--accent'), grid: colour('--line'), text: colour('--ink-soft') });

/** Sizes the backing store to the screen's pixels; returns the context in CSS pixels. */
function prepare(canvas) {
  const ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

function range(points) {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { v } of points) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  const margin = (high - low) * 0.08 || Math.abs(high) * 1e-4 || 1;
  return [low - margin, high + margin];
}

function trace(context, points, x, y) {
  context.beginPath();
  for (const p of points) context.lineTo(x(p.t), y(p.v));
}

export function drawSparkline(canvas, points) {
  const { context, width, height } = prepare(canvas);
  if (points.length < 2) return;
  const [low, high] = range(points);
  const [from, to] = [points[0].t, points.at(-1).t];
  trace(
    context,
    points,
    (t) => ((t - from) / (to - from || 1)) * width,
    (v) => height - ((v - low) / (high - low)) * height,
  );
  context.strokeStyle = colours().line;
  context.lineWidth = 1.25;
  context.stroke();
}

/** The value over time with three labelled grid lines. */
export function drawChart(canvas, points, format) {
  const { context, width, height } = prepare(canvas);
  const { line, grid, text } = colours();
  context.font = '11px system-ui, sans-serif';
  context.fillStyle = text;
  if (points.length < 2) {
    context.fillText('waiting for values', 12, 22);
    return;
  }
  const [low, high] = range(points);
  const [from, to] = [points[0].t, points.at(-1).t];
  const bottom = height - 20;
  const x = (t) => 8 + ((t - from) / (to - from || 1)) * (width - 16);
  const y = (v) => bottom - ((v - low) / (high - low)) * (bottom - 12);
  context.strokeStyle = grid;
  context.lineWidth = 1;
  for (const share of [0.1, 0.5, 0.9]) {
    const value = low + (high - low) * share;
    context.beginPath();
    context.moveTo(8, y(value));
    context.lineTo(width - 8, y(value));
    context.stroke();
    context.fillText(format(value), 10, y(value) - 4);
  }
  const clock = (t) => new Date(t).toLocaleTimeString();
  context.fillText(clock(from), 10, height - 6);
  context.textAlign = 'right';
  context.fillText(clock(to), width - 10, height - 6);
  context.textAlign = 'left';
  trace(context, points, x, y);
  context.strokeStyle = line;
  context.lineWidth = 1.75;
  context.lineJoin = 'round';
  context.stroke();
  context.lineTo(x(to), bottom);
  context.lineTo(x(from), bottom);
  context.closePath();
  context.globalAlpha = 0.1;
  context.fillStyle = line;
  context.fill();
  context.globalAlpha = 1;
}
