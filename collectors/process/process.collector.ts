import { readdir } from 'node:fs/promises';
import {
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
  constants as performanceKinds,
} from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { z } from 'zod';
import { type CollectorContext, defineCollector } from '../../src/observability/collection/collector.js';
import { readFile, readLimits, readThrottledSeconds } from './cgroup.js';
import * as m from './process.metrics.js';

/** Resolution of the event-loop delay: how often a timer looks. */
const delayResolutionMs = 10;

export default defineCollector({
  manifest: {
    name: 'process',
    description:
      'This process: CPU against quota, memory against limit, event loop, garbage collection, heap, files.',
    config: z.strictObject({}),
    metrics: m.metrics,
    intervalMs: 5_000,
    timeoutMs: 2_000,
    budget: { dbMs: 0, redisCommands: 0, eventLoopMs: 10, samples: 60 },
    burst: { alerts: ['Cpu*', 'Memory*', 'EventLoop*', 'Heap*'], intervalMs: 1_000 },
  },
  create: (context: CollectorContext) => new ProcessCollector(context),
});

class ProcessCollector {
  private readonly delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
  private readonly gc = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) this.observeGc(entry);
  });
  private readonly pauses;
  private before = {
    cpu: process.cpuUsage(),
    atMs: performance.now(),
    loop: performance.eventLoopUtilization(),
  };

  constructor(private readonly context: CollectorContext) {
    const { metrics } = context;
    const kinds = ['minor', 'major', 'incremental', 'weak_callbacks'] as const;
    this.pauses = new Map(kinds.map((kind) => [kind, metrics.histogram(m.gcSeconds, { kind })]));
  }

  start(): void {
    this.delay.enable();
    this.gc.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.delay.disable();
    this.gc.disconnect();
  }

  async collect(): Promise<void> {
    const limits = readLimits();
    this.reportCpu(limits.cores);
    this.reportMemory(limits.memoryBytes);
    this.reportLoop();
    await this.context.attempt('files', () => this.reportFiles());
    const { metrics } = this.context;
    metrics.set(m.resources, process.getActiveResourcesInfo().length);
    metrics.set(m.startTime, performance.timeOrigin / 1000);
    metrics.set(m.build, 1, { node: process.version, platform: `${process.platform}-${process.arch}` });
  }

  private reportCpu(cores: number): void {
    const { metrics, windows } = this.context;
    const cpu = process.cpuUsage();
    const atMs = performance.now();
    const usedSeconds = (cpu.user + cpu.system - this.before.cpu.user - this.before.cpu.system) / 1e6;
    const elapsedSeconds = (atMs - this.before.atMs) / 1000;
    metrics.set(m.cpuSeconds, cpu.user / 1e6, { mode: 'user' });
    metrics.set(m.cpuSeconds, cpu.system / 1e6, { mode: 'system' });
    metrics.set(m.cpuLimit, cores);
    metrics.set(m.cpuThrottled, readThrottledSeconds());
    this.before = { ...this.before, cpu, atMs };
    // Right after the start there is no span to measure over yet.
    if (elapsedSeconds < 0.1) return;
    const utilization = usedSeconds / elapsedSeconds / cores;
    metrics.set(m.cpuUtilization, utilization);
    windows.record('cpu', utilization);
  }

  private reportMemory(limitBytes: number): void {
    const { metrics, windows } = this.context;
    const { rss, external, arrayBuffers } = process.memoryUsage();
    const heap = getHeapStatistics();
    metrics.set(m.residentBytes, rss);
    metrics.set(m.memoryLimit, limitBytes);
    metrics.set(m.memoryUtilization, rss / limitBytes);
    metrics.set(m.heapBytes, heap.used_heap_size, { kind: 'used' });
    metrics.set(m.heapBytes, heap.total_heap_size, { kind: 'committed' });
    metrics.set(m.heapBytes, heap.heap_size_limit, { kind: 'limit' });
    metrics.set(m.heapUtilization, heap.used_heap_size / heap.heap_size_limit);
    metrics.set(m.externalBytes, external, { kind: 'external' });
    metrics.set(m.externalBytes, arrayBuffers, { kind: 'array_buffers' });
    this.reportSpaces();
    windows.record('memory', rss);
  }

  private reportSpaces(): void {
    const bytes = new Map<string, number>(m.spaces.map((space) => [space, 0]));
    for (const { space_name: name, space_used_size: used } of getHeapSpaceStatistics()) {
      const short = name.replace(/_space$/, '');
      const space = bytes.has(short) ? short : 'other';
      bytes.set(space, (bytes.get(space) ?? 0) + used);
    }
    for (const [space, used] of bytes) this.context.metrics.set(m.heapSpaces, used, { space });
  }

  private reportLoop(): void {
    const { metrics } = this.context;
    const now = performance.eventLoopUtilization();
    metrics.set(m.loopUtilization, performance.eventLoopUtilization(now, this.before.loop).utilization);
    this.before = { ...this.before, loop: now };
    const { delay } = this;
    if (delay.count > 0) {
      // What is measured is the time between two looks; the delay is what it has in excess of the resolution.
      const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - delayResolutionMs) / 1000;
      metrics.set(m.loopDelay, seconds(delay.mean), { statistic: 'mean' });
      metrics.set(m.loopDelay, seconds(delay.percentile(50)), { statistic: '0.5' });
      metrics.set(m.loopDelay, seconds(delay.percentile(95)), { statistic: '0.95' });
      metrics.set(m.loopDelay, seconds(delay.percentile(99)), { statistic: '0.99' });
      metrics.set(m.loopDelay, seconds(delay.max), { statistic: 'max' });
    }
    delay.reset();
  }

  private async reportFiles(): Promise<void> {
    if (process.platform !== 'linux') return;
    const { metrics } = this.context;
    metrics.set(m.openFiles, (await readdir('/proc/self/fd')).length);
    const limit = /^Max open files\s+(\d+)/m.exec(readFile('/proc/self/limits') ?? '')?.[1];
    metrics.set(m.maxFiles, limit === undefined ? null : Number(limit));
  }

  private observeGc(entry: PerformanceEntry): void {
    const { kind } = (entry as PerformanceEntry & { detail?: { kind?: number } }).detail ?? {};
    const { NODE_PERFORMANCE_GC_MINOR, NODE_PERFORMANCE_GC_MAJOR, NODE_PERFORMANCE_GC_INCREMENTAL } =
      performanceKinds;
    const name =
      kind === NODE_PERFORMANCE_GC_MINOR
        ? 'minor'
        : kind === NODE_PERFORMANCE_GC_MAJOR
          ? 'major'
          : kind === NODE_PERFORMANCE_GC_INCREMENTAL
            ? 'incremental'
            : 'weak_callbacks';
    this.pauses.get(name)?.observe(entry.duration / 1000);
  }
}
