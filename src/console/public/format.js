// Numbers for people. A dash is "unknown": never 0, never NaN.

const dash = '–';
const money = new Map();

export const currency = (value, code = 'USD') => {
  if (!Number.isFinite(value)) return dash;
  let format = money.get(code);
  if (!format) {
    format = new Intl.NumberFormat('en', { style: 'currency', currency: code, maximumFractionDigits: 0 });
    money.set(code, format);
  }
  return format.format(value);
};

export const number = (value, digits = 2) =>
  Number.isFinite(value)
    ? value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : dash;

export const percent = (fraction, digits = 2) =>
  Number.isFinite(fraction) ? `${number(fraction * 100, digits)} %` : dash;

/** Short quantity with its unit: ms, fractions, bytes, per second. */
export const quantity = (value, unit) => {
  if (!Number.isFinite(value)) return dash;
  if (unit === 'bytes') return `${number(value / 2 ** 20, 0)} MiB`;
  if (unit === 'ratio' || unit === 'fraction' || unit === 'percent') {
    return unit === 'percent' ? `${number(value, 1)} %` : percent(value, 1);
  }
  if (unit === 'seconds') return `${number(value * 1000, value < 0.01 ? 2 : 0)} ms`;
  if (unit === 'ms' || unit === 'milliseconds') return `${number(value, value < 10 ? 2 : 0)} ms`;
  return `${number(value, value < 10 ? 1 : 0)}${unit ? ` ${unit}` : ''}`;
};

export const age = (ms) => {
  if (!Number.isFinite(ms)) return dash;
  if (ms < 1_000) return `${Math.round(ms)} ms old`;
  if (ms < 120_000) return `${number(ms / 1_000, 1)} s old`;
  return `${number(ms / 60_000, 0)} min old`;
};

/** `gross_exposure` as it is read. */
export const words = (name) => name.replaceAll('_', ' ');
