import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CommitOrder } from './commit-order.js';

describe('CommitOrder', () => {
  it('announces in the order of the tickets, whatever the order of the commits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }).chain((fates) =>
          fc.tuple(
            fc.constant(fates),
            fc.shuffledSubarray(
              fates.map((_, i) => i),
              { minLength: fates.length },
            ),
          ),
        ),
        async ([committed, order]) => {
          const commits = new CommitOrder();
          const tickets = committed.map((_, i) => commits.ticket(i));
          const announced: number[] = [];
          const done: Promise<void>[] = [];
          for (const i of order) {
            if (committed[i]) done.push(tickets[i]!.committed(() => announced.push(i)));
            else tickets[i]!.abandoned();
          }
          await Promise.all(done);
          expect(announced).toEqual(committed.flatMap((c, i) => (c ? [i] : [])));
        },
      ),
    );
  });

  it('goes on when an announcement throws', async () => {
    const errors: unknown[] = [];
    const commits = new CommitOrder((error) => errors.push(error));
    const [first, second] = [commits.ticket(1), commits.ticket(2)];
    let said = false;
    await first.committed(() => {
      throw new Error('listener');
    });
    await second.committed(() => {
      said = true;
    });
    expect(errors).toHaveLength(1);
    expect(said).toBe(true);
  });
});
