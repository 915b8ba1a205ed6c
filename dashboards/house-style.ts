import {
  AxisPlacement,
  GraphDrawStyle as DrawStyle,
  type GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Dashboard as GrafanaDashboard,
  type Panel as GrafanaPanel,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TextBuilder } from '@grafana/grafana-foundation-sdk/text';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { DashboardUid } from '../src/observability/alerting/rules/rule.js';
import { loadThresholds, type Threshold, toBase } from '../src/observability/alerting/thresholds.js';

/** One query of a panel. Labels of the process are filled in: write `metric{$p}` or `metric{$p, pool="reader"}`. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
  /** Shows the traces of single observations as dots; for histograms. */
  readonly exemplars?: boolean;
  /** When it has no series; shown with the panel. A test asks a loaded server for some nevertheless, wherever it can. */
  readonly mayBeEmpty?: string;
}

export interface Panel {
  readonly kind: 'timeseries' | 'stat' | 'table' | 'text';
  readonly title: string;
  /** What it shows and what to make of it. */
  readonly description: string;
  /** Grafana's unit id: `s`, `bytes`, `percentunit`, `short`, `ops`, … */
  readonly unit?: string;
  readonly queries: readonly Query[];
  /** Entry of `alerts/thresholds.yml` whose numbers are drawn as lines. */
  readonly threshold?: string;
  readonly stacked?: boolean;
  readonly width?: number;
  readonly height?: number;
  /** Markdown of a text panel. */
  readonly text?: string;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  readonly uid: DashboardUid | 'tidewatch-load-test';
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
  /** Another span than the last hour, such as `now-15m`. */
  readonly from?: string;
}

/** Selector of the processes that the variables choose; stands for `$p` in queries. */
const processSelector = 'job=~"$job", instance=~"$instance"';

const datasource = { type: 'prometheus', uid: '$datasource' };
const gridWidth = 24;
const colours = { good: 'green', warning: 'orange', critical: 'red' } as const;

export const timeseries = (panel: Omit<Panel, 'kind'>): Panel => ({ kind: 'timeseries', ...panel });
export const stat = (panel: Omit<Panel, 'kind'>): Panel => ({ kind: 'stat', width: 6, height: 4, ...panel });
export const table = (panel: Omit<Panel, 'kind'>): Panel => ({ kind: 'table', ...panel });

/** PromQL as it is sent, before Grafana fills in the variables. */
export const withProcess = (expr: string): string => expr.replaceAll('$p', processSelector);

/** Every query of a dashboard, with the title of its panel. */
export function* queriesOf(dashboard: Dashboard): Iterable<{ panel: Panel; query: Query }> {
  for (const row of dashboard.rows) {
    for (const panel of row.panels) for (const query of panel.queries) yield { panel, query };
  }
}

/** The dashboard as Grafana's classic JSON, which Perses imports too. */
export function toGrafana(dashboard: Dashboard): GrafanaDashboard {
  const builder = new DashboardBuilder(dashboard.title)
    .uid(dashboard.uid)
    .description(dashboard.description)
    .tags(['tidewatch'])
    .refresh('10s')
    .time({ from: dashboard.from ?? 'now-1h', to: 'now' })
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('Tidewatch')
        .type(DashboardLinkType.Dashboards)
        .tags(['tidewatch'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(variable('job', 'Job', 'label_values(tidewatch_ready, job)'))
    .withVariable(variable('instance', 'Instance', 'label_values(tidewatch_ready{job=~"$job"}, instance)'))
    .annotation(
      annotation(
        'Critical alerts',
        'red',
        'ALERTS{alertstate="firing", severity="critical", job=~"$job"}',
        '{{alertname}} {{instance}}',
      ),
    )
    .annotation(
      annotation(
        'Starts',
        'blue',
        `changes(tidewatch_process_start_timestamp_seconds{${processSelector}}[1m]) > 0`,
        'start of {{instance}}',
      ),
    );
  let y = 0;
  let id = 0;
  for (const row of dashboard.rows) {
    builder.withRow(new RowBuilder(row.title).id(++id).gridPos({ h: 1, w: gridWidth, x: 0, y }));
    y += 1;
    let x = 0;
    let lineHeight = 0;
    for (const panel of row.panels) {
      const w = panel.width ?? 12;
      const h = panel.height ?? 8;
      if (x + w > gridWidth) {
        x = 0;
        y += lineHeight;
        lineHeight = 0;
      }
      const built = { ...grafanaPanel(panel), id: ++id, gridPos: { h, w, x, y } };
      builder.withPanel({ build: () => built });
      x += w;
      lineHeight = Math.max(lineHeight, h);
    }
    y += lineHeight;
  }
  return builder.build();
}

function variable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*');
}

/** Grafana keeps the query of an annotation beside what the builder knows of it. */
function annotation(name: string, colour: string, expr: string, title: string): AnnotationQueryBuilder {
  const builder = new AnnotationQueryBuilder()
    .name(name)
    .datasource(datasource)
    .enable(true)
    .iconColor(colour);
  Object.assign((builder as unknown as { internal: object }).internal, { expr, titleFormat: title });
  return builder;
}

function grafanaPanel(panel: Panel): GrafanaPanel {
  const builder = builderOf(panel).title(panel.title).description(describe(panel)).datasource(datasource);
  if (panel.kind === 'text') return builder.build();
  if (panel.unit !== undefined) builder.unit(panel.unit);
  builder.thresholds(
    new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(thresholdSteps(panel.threshold)),
  );
  for (const [i, query] of panel.queries.entries()) {
    const target = new DataqueryBuilder()
      .refId(String.fromCharCode(65 + i))
      .datasource(datasource)
      .expr(withProcess(query.expr))
      .legendFormat(query.legend);
    if (query.exemplars) target.exemplar(true);
    if (panel.kind !== 'timeseries')
      target.instant().format(panel.kind === 'table' ? PromQueryFormat.Table : PromQueryFormat.TimeSeries);
    builder.withTarget(target);
  }
  return builder.build();
}

function builderOf(panel: Panel): TimeseriesBuilder | StatBuilder | TableBuilder | TextBuilder {
  switch (panel.kind) {
    case 'stat':
      return new StatBuilder().reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
    case 'table':
      return new TableBuilder();
    case 'text':
      return new TextBuilder().content(panel.text ?? '');
    case 'timeseries': {
      const style: GraphDrawStyle = DrawStyle.Line;
      const builder = new TimeseriesBuilder()
        .drawStyle(style)
        .axisPlacement(AxisPlacement.Auto)
        .lineWidth(1)
        .fillOpacity(panel.stacked ? 30 : 8)
        .legend(
          new VizLegendOptionsBuilder()
            .displayMode(LegendDisplayMode.List)
            .placement(LegendPlacement.Bottom)
            .showLegend(true),
        )
        .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
      if (panel.stacked) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
      if (panel.threshold !== undefined) {
        builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Line));
      }
      return builder;
    }
  }
}

/** A reader of an empty panel is told why before they start to search. */
function describe(panel: Panel): string {
  const reasons = [
    ...new Set(panel.queries.map((query) => query.mayBeEmpty).filter((reason) => reason !== undefined)),
  ];
  return reasons.length === 0
    ? panel.description
    : `${panel.description} May be empty: ${reasons.join('; ')}.`;
}

/** The numbers that alert, in base units: the line in the panel is the number that pages. */
function thresholdSteps(id: string | undefined): { value: number | null; color: string }[] {
  if (id === undefined) return [{ value: null, color: colours.good }];
  const entry = thresholdOf(id);
  const edges = (['warning', 'critical'] as const).flatMap((severity) => {
    const edge = entry[severity];
    return edge ? [{ severity, value: toBase(edge.threshold, entry.unit), direction: edge.direction }] : [];
  });
  const below = edges.some(({ direction }) => direction === 'below');
  const ordered = edges.toSorted((a, b) => a.value - b.value);
  if (!below) {
    return [
      { value: null, color: colours.good },
      ...ordered.map(({ value, severity }) => ({ value, color: colours[severity] })),
    ];
  }
  // Lower is worse: each step is coloured by the edge above it, and what is above all of them is good.
  const steps: { value: number | null; color: string }[] = [];
  let from: number | null = null;
  for (const { value, severity } of ordered) {
    steps.push({ value: from, color: colours[severity] });
    from = value;
  }
  return [...steps, { value: from, color: colours.good }];
}

export function thresholdOf(id: string): Threshold {
  const { targets, limits } = loadThresholds();
  const entry = targets.get(id) ?? limits.get(id);
  if (!entry) throw new Error(`no threshold is named "${id}"`);
  return entry;
}
