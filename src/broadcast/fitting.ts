import type { Joined } from './joined.js';
import type { LaneHost } from './lane.js';

/** Size of a message beside its data. */
const envelope = 128;
/** Size of the snapshots of one answer: what a client of a large family makes this process hold at most. */
const maxSnapshotSize = 8 * 1024 * 1024;

/**
 * What a receiver may have queued bounds the missed messages that it can be given at once; of a topic with more than is
 * left none are given, and its client is told to fetch instead. So are snapshots.
 * @param maxSize of missed messages, for all topics together; as the sizes of publications
 */
export function fitting(
  all: readonly Joined[],
  maxSize: number,
  host: Pick<LaneHost, 'shed'>,
  maxSnapshots: number = maxSnapshotSize,
): Joined[] {
  let left = maxSize;
  let leftForSnapshots = maxSnapshots;
  return all.map((joined) => {
    let fits = joined;
    const size = joined.missed.reduce((total, missed) => total + missed.size + envelope, 0);
    if (size <= left) left -= size;
    else {
      host.shed('missed', joined.missed.length);
      fits = { ...fits, recovered: false, reason: 'too_much_missed', missed: [] };
    }
    const snapshot = joined.last?.size ?? 0;
    if (snapshot <= leftForSnapshots) leftForSnapshots -= snapshot;
    else {
      host.shed('snapshot', 1);
      fits = { ...fits, last: null, emptyReason: 'too_much' };
    }
    return fits;
  });
}
