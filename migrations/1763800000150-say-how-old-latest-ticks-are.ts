import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Newest prices are written a share at a time: how far they may trail has changed. */
export class SayHowOldLatestTicksAre1763800000150 implements MigrationInterface {
  name = 'SayHowOldLatestTicksAre1763800000150';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      "COMMENT ON TABLE latest_ticks IS 'Every symbol ever stored (written with its first tick); its values may trail the newest tick, by 10 seconds and more where there are many symbols'",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      "COMMENT ON TABLE latest_ticks IS 'Every symbol ever stored (written with its first tick); its values may trail the newest tick by a second'",
    );
  }
}
