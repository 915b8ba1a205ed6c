import { describe, expect, it } from '@jest/globals';
import { LatencyWindows } from '../latency-windows.js';
import { TargetsService } from './targets.service.js';

const at = (nowMs: number) => {
  const clock = { nowMs };
  const windows = new LatencyWindows(() => clock.nowMs);
  const service = new TargetsService(windows);
  const row = (id: string) => service.answer(clock.nowMs).targets.find((t) => t.id === id);
  return { clock, windows, service, row };
};

describe('the eight rows', () => {
  it('are all unknown, with a reason, before anything happened', () => {
    const { service } = at(1e12);
    const answer = service.answer(1e12);
    expect(answer.targets).toHaveLength(8);
    expect(answer.status).toBe('unknown');
    for (const row of answer.targets) {
      expect(row).toMatchObject({ status: 'unknown', current_value: null, reason: expect.any(String) });
    }
  });

  it('judge the mean of the API against target and critical threshold', () => {
    const { windows, row } = at(1e12);
    for (let i = 0; i < 19; i++) windows.record('api_response_time', 0.1);
    expect(row('api_response_time')).toMatchObject({ status: 'unknown', sample_count: 19, min_samples: 20 });
    windows.record('api_response_time', 0.1);
    expect(row('api_response_time')).toMatchObject({
      status: 'ok',
      target: 200,
      critical: 1000,
      unit: 'ms',
      window: '5m',
      reason: null,
    });
    expect(row('api_response_time')?.current_value).toBeCloseTo(100);
    for (let i = 0; i < 20; i++) windows.record('api_response_time', 0.3);
    expect(row('api_response_time')?.status).toBe('target_missed');
    for (let i = 0; i < 40; i++) windows.record('api_response_time', 3);
    expect(row('api_response_time')?.status).toBe('critical');
  });

  it('go back to unknown when the window has passed', () => {
    const { clock, windows, row } = at(1e12);
    windows.record('memory', 1e9);
    expect(row('memory')).toMatchObject({ status: 'ok', current_value: 1, unit: 'GB', data_age_ms: 0 });
    clock.nowMs += 90_000;
    expect(row('memory')).toMatchObject({ status: 'unknown', current_value: null, data_age_ms: 90_000 });
  });

  it('judge throughput only while more is asked for than delivered', () => {
    const { windows, row } = at(1e12 + 59_000);
    expect(row('websocket_throughput')?.reason).toMatch(/^no demand: nobody/);
    windows.record('websocket_demand', 3_000 * 60);
    windows.record('websocket_throughput', 3_000 * 60);
    expect(row('websocket_throughput')).toMatchObject({
      status: 'unknown',
      reason: expect.stringMatching('no demand'),
    });
    windows.record('websocket_demand', 3_000 * 60);
    expect(row('websocket_throughput')).toMatchObject({ status: 'target_missed', unit: 'msg/s' });
    windows.record('websocket_demand', 30_000 * 60);
    windows.record('websocket_throughput', 30_000 * 60);
    expect(row('websocket_throughput')?.status).toBe('ok');
  });

  it('call throughput critical when demand waits and next to nothing is delivered', () => {
    const { windows, row } = at(1e12 + 59_000);
    windows.record('websocket_demand', 5_000 * 60);
    windows.record('websocket_throughput', 500 * 60);
    expect(row('websocket_throughput')?.status).toBe('critical');
  });

  it('report the worst state as the whole, and unknown while a row has no data', () => {
    const { windows, service } = at(1e12);
    windows.record('memory', 1e9);
    expect(service.answer(1e12).status).toBe('unknown');
    for (let i = 0; i < 2; i++) windows.record('cpu', 0.95);
    expect(service.answer(1e12).status).toBe('critical');
  });
});
