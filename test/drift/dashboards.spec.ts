import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { artefacts } from '../../dashboards/dashboards.artefact.js';
import { queriesOf, thresholdOf, toGrafana, withProcess } from '../../dashboards/house-style.js';
import { dashboards } from '../../dashboards/index.js';
import { rules } from '../../src/observability/alerting/rules/index.js';
import { packageRoot } from '../../src/observability/alerting/thresholds.js';
import { knownSeries, parsePromql, unknownNames } from './promql.js';

const folder = join(packageRoot(), 'dashboards', 'json');
/** As Grafana would fill them in. */
const filledIn = (expr: string) =>
  withProcess(expr).replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h');

describe('dashboards', () => {
  it('are committed as they are generated', async () => {
    const generated = await artefacts();
    for (const { path, text } of generated) {
      expect(readFileSync(join(packageRoot(), path), 'utf8')).toBe(text);
    }
    expect(readdirSync(folder).sort()).toEqual(dashboards.map(({ uid }) => `${uid}.json`).sort());
  });

  it('ask only for metrics, labels and label values that something exports', async () => {
    const known = await knownSeries();
    const wrong = dashboards.flatMap((dashboard) =>
      [...queriesOf(dashboard)].flatMap(({ panel, query }) => {
        const expression = parsePromql(filledIn(query.expr));
        return [...expression.errors, ...unknownNames(expression, known)].map(
          (text) => `${dashboard.title}, ${panel.title}: ${text}`,
        );
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('follow the variables: each query can be narrowed to one instance', () => {
    const loose = dashboards.flatMap((dashboard) =>
      [...queriesOf(dashboard)]
        .filter(({ query }) =>
          parsePromql(filledIn(query.expr)).selectors.some(
            ({ matchers }) => !matchers.some(({ label }) => label === 'instance'),
          ),
        )
        .map(({ panel }) => `${dashboard.title}, ${panel.title}`),
    );
    expect(loose).toEqual([]);
  });

  it('write legends of labels that the query keeps', async () => {
    const known = await knownSeries();
    const wrong = dashboards.flatMap((dashboard) =>
      [...queriesOf(dashboard)].flatMap(({ panel, query }) => {
        const { grouping, selectors } = parsePromql(filledIn(query.expr));
        const kept =
          grouping.length > 0
            ? grouping
            : selectors.flatMap(({ metric }) => Object.keys(known.get(metric)?.labels ?? {}));
        return [...query.legend.matchAll(/\{\{(\w+)\}\}/g)]
          .filter(([, label]) => !kept.includes(label as string))
          .map(([, label]) => `${dashboard.title}, ${panel.title}: ${label}`);
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('name every panel once, with a unit and a description', () => {
    for (const { title, rows } of dashboards) {
      const panels = rows.flatMap((row) => row.panels);
      const titles = panels.map((panel) => panel.title);
      expect([title, titles.filter((t, i) => titles.indexOf(t) !== i)]).toEqual([title, []]);
      for (const panel of panels) {
        expect([title, panel.title, panel.description.length >= 20]).toEqual([title, panel.title, true]);
        if (panel.kind === 'timeseries')
          expect([panel.title, panel.unit]).toEqual([panel.title, expect.any(String)]);
      }
    }
  });

  it('draw the numbers that page, and show the signal of every rule on the dashboard that its alert links to', () => {
    const drawn = new Map(
      dashboards.map(({ uid, rows }) => [
        uid,
        new Set(rows.flatMap((row) => row.panels.map((panel) => panel.threshold))),
      ]),
    );
    for (const threshold of [...drawn.values()].flatMap((set) => [...set])) {
      if (threshold !== undefined) expect(() => thresholdOf(threshold)).not.toThrow();
    }
    const outside = new Set(
      rules.filter(({ kind }) => kind === 'prometheus').map(({ threshold }) => threshold),
    );
    const missing = rules
      .filter(({ threshold }) => !outside.has(threshold))
      .filter(({ dashboard, threshold }) => !drawn.get(dashboard)?.has(threshold))
      .map(({ threshold, dashboard }) => `${threshold} on ${dashboard}`);
    expect(missing).toEqual([]);
  });

  it('have stable uids, ids of their own, and no panel over another', () => {
    for (const dashboard of dashboards) {
      const { uid, panels = [] } = toGrafana(dashboard);
      expect(uid).toMatch(/^tidewatch-[a-z-]+$/);
      const boxes = panels.map((panel) => {
        const { id, gridPos } = panel as {
          id: number;
          gridPos: { x: number; y: number; w: number; h: number };
        };
        return { id, ...gridPos };
      });
      expect(new Set(boxes.map(({ id }) => id)).size).toBe(boxes.length);
      for (const a of boxes) {
        expect(a.x + a.w).toBeLessThanOrEqual(24);
        for (const b of boxes) {
          if (a.id >= b.id) continue;
          const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
          expect([uid, a.id, b.id, apart]).toEqual([uid, a.id, b.id, true]);
        }
      }
    }
  });
});
