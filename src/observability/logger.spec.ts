import { describe, expect, it } from '@jest/globals';
import { Logger } from './logger.js';

function captured(level = 'info') {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { logger: new Logger(level, [{ level: 'trace', stream }]), lines };
}

describe('Logger', () => {
  it('hides secrets by name and by form, in fields, messages and errors', () => {
    const { logger, lines } = captured();
    logger.child('test').info(
      {
        headers: { authorization: 'Bearer abcdefghijkl', host: 'h' },
        list: [{ api_key: 'k' }],
        url: 'postgres://me:hunter2@db:5432/x',
        err: new Error('cannot reach redis://:hunter2@cache:6379'),
        token: null,
      },
      'tried postgres://me:hunter2@db/x with bearer.abcdefghijkl',
    );
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|abcdefghijkl|"k"/);
    expect(lines[0]).toMatchObject({
      module: 'test',
      headers: { authorization: '***', host: 'h' },
      list: [{ api_key: '***' }],
      url: 'postgres://me:***@db:5432/x',
      err: { message: 'cannot reach redis://:***@cache:6379', type: 'Error' },
      token: null,
      msg: 'tried postgres://me:***@db/x with bearer.***',
    });
  });

  it('changes the level of one module, or of all, at run time', () => {
    const { logger, lines } = captured();
    const [store, risk] = [logger.child('store'), logger.child('risk')];
    store.debug('unheard');
    expect(logger.setLevel('store', 'debug')).toBe(true);
    store.debug('heard');
    risk.debug('unheard');
    expect(logger.child('store')).toBe(store);
    expect(logger.levels()).toEqual({ store: 'debug', risk: 'info' });
    logger.setLevel(null, 'error');
    risk.warn('unheard');
    logger.child('later').warn('unheard');
    expect(lines.map(({ msg }) => msg)).toEqual(['heard']);
    expect(logger.setLevel('nobody', 'info')).toBe(false);
  });

  it('survives what cannot be walked forever', () => {
    const { logger, lines } = captured();
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    logger.child('test').info({ circle }, 'round');
    expect(lines).toHaveLength(1);
  });
});
