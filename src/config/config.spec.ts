import { describe, expect, it } from '@jest/globals';
import { StartupError } from '../startup-error.js';
import { Config } from './config.js';
import { isLoopback } from './loopback.js';
import { settings } from './schema.js';
import { wrongPaths } from './setting-paths.js';

describe('Config', () => {
  it('takes the environment before the file before the default, and says which', () => {
    const config = Config.from({ PORT: '9000' }, { PORT: '9001', LOG_LEVEL: 'warn' });
    expect([config.get('PORT'), config.source('PORT')]).toEqual([9000, 'environment']);
    expect([config.get('LOG_LEVEL'), config.source('LOG_LEVEL')]).toEqual(['warn', 'file']);
    expect([config.get('HOST'), config.source('HOST')]).toEqual(['127.0.0.1', 'default']);
  });

  it('names every wrong setting at once', () => {
    const start = () => Config.from({ PORT: '99999', LOG_LEVEL: 'loud', HOST: '0.0.0.0' }, { PROT: '1' });
    expect(start).toThrow(StartupError);
    expect(start).toThrow(
      /PROT is not a setting; did you mean PORT\?.*HOST|HOST.*PROT|PORT.*LOG_LEVEL.*HOST/s,
    );
    for (const name of ['PROT', 'PORT:', 'LOG_LEVEL:', 'HOST:']) expect(start).toThrow(name);
  });

  it('refuses TIDEWATCH_ names of the environment that are no settings, and ignores the rest of it', () => {
    expect(() => Config.from({ TIDEWATCH_PORT: '1' })).toThrow('TIDEWATCH_PORT is not a setting');
    expect(Config.from({ HOME: '/root', NODE_ENV: 'x' }).get('PORT')).toBe(8001);
  });

  it('warns of a name in the environment that is nearly a setting', () => {
    const { warnings } = Config.from({ INGEST_MAX_BODY_BYTE: '1', HOSTS: 'x', WS_PATH: '/', HOME: '/root' });
    expect(warnings).toEqual([
      'INGEST_MAX_BODY_BYTE in the environment is not a setting; did you mean INGEST_MAX_BODY_BYTES?',
    ]);
  });

  it('names files that are not there together with everything else that is wrong', () => {
    const start = () =>
      Config.from({ PORT: 'x', API_KEYS: '/none/keys.json', COLLECTORS_DIR: '/none' }, {}, wrongPaths);
    for (const name of ['PORT:', 'API_KEYS: /none/keys.json:', 'COLLECTORS_DIR: /none:']) {
      expect(start).toThrow(name);
    }
  });

  it('says what a setting must be in words of its own', () => {
    const wrong = { SHUTDOWN_DRAIN_MS: 'x' } as Record<string, string>;
    for (const name of Object.keys(settings)) wrong[name] = '!';
    const start = () => Config.from(wrong);
    expect(start).toThrow('REDIS_URL: must be a URL that begins with redis:// or rediss://');
    expect(start).toThrow('DEMO: must be on or off');
    expect(start).toThrow('BROKER: must be auto, memory or redis');
    expect(start).toThrow('METRICS_TOKEN: must have at least 16 characters');
    expect(start).not.toThrow(/Invalid|Too (small|big)|expected/);
  });

  it.each([
    ['DEFAULT_CURRENCY', 'ABC'],
    ['SYMBOL_CURRENCIES', 'SAP=EUR,X=ABC'],
  ])('%s names currencies that exist', (name, value) => {
    expect(() => Config.from({ [name]: value })).toThrow('ISO 4217');
  });

  it('gives a symbol one currency', () => {
    expect(() => Config.from({ SYMBOL_CURRENCIES: 'SAP=EUR,SAP=USD' })).toThrow('each symbol once');
  });

  it('takes an empty variable as unset', () => {
    expect(Config.from({ DATABASE_URL: '', PORT: '' }).source('PORT')).toBe('default');
  });

  it.each(['0.0.0.0', '192.168.1.5', '::', 'example.org', '10.0.0.1'])('refuses to listen on %s', (HOST) => {
    expect(() => Config.from({ HOST })).toThrow('not a loopback address');
  });

  it('listens on other addresses only with API keys', () => {
    expect(Config.from({ HOST: '0.0.0.0', API_KEYS: '/keys.json' }).get('HOST')).toBe('0.0.0.0');
  });

  it.each(['127.0.0.1', '127.0.0.2', '::1', 'localhost', '0:0:0:0:0:0:0:1'])(
    'knows %s as loopback',
    (HOST) => {
      expect(isLoopback(HOST)).toBe(true);
    },
  );

  it('runs the demo by default only on the embedded database', () => {
    expect(Config.from({}).get('DEMO')).toBe('on');
    expect(Config.from({ DATABASE_URL: 'postgres://db/x' }).get('DEMO')).toBe('off');
    expect(Config.from({}).withEmbedded({ DATABASE_URL: 'postgres://db/x' }).get('DEMO')).toBe('on');
  });

  it('lists values without their secrets', () => {
    const config = Config.from({
      DATABASE_URL: 'postgres://u:hunter2@db/x?sslpassword=hunter3',
      REDIS_URL: 'redis://:hunter4@r:6379',
    });
    const text = JSON.stringify(config.list());
    expect(text).not.toMatch(/hunter/);
    expect(text).toContain('postgres://u:***@db/x');
  });
});
