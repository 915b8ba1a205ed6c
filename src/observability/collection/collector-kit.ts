import { z } from 'zod';
import { counter, gauge, histogram } from '../metric-spec.js';
import { defineCollector, NoData } from './collector.js';

/** A file that declares something for a collector, as found beside the plugins. */
export interface Declaration {
  /** File name without its endings. */
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

/**
 * What a plugin gets when its module exports a function: everything it needs to define itself without importing from
 * this package, so a folder dropped anywhere works.
 */
export interface CollectorKit {
  readonly defineCollector: typeof defineCollector;
  readonly NoData: typeof NoData;
  readonly counter: typeof counter;
  readonly gauge: typeof gauge;
  readonly histogram: typeof histogram;
  readonly z: typeof z;
  /** The files `*.<kind>.yml` in all collector folders, for collectors that are written as data. */
  declarations(kind: string): readonly Declaration[];
}

export const collectorKit = (declarations: CollectorKit['declarations']): CollectorKit => ({
  defineCollector,
  NoData,
  counter,
  gauge,
  histogram,
  z,
  declarations,
});
