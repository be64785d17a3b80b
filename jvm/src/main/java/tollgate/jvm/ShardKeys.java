package tollgate.jvm;

import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.types.Row;

/**
 * Names the shards so that shard i is in Flink's key group i.
 *
 * <p>Flink hashes keys into key groups. Arbitrary shard names would share some groups, leave others
 * empty, and load the subtasks unevenly. With as many shards as key groups (the job's maximum
 * parallelism) each group gets exactly one, and subtasks get equal shares.
 *
 * <p>The names are keys of the job's state and never change for a given number of shards.
 */
public final class ShardKeys {
  private ShardKeys() {}

  /**
   * The key of every shard, by shard number.
   *
   * @param shards the number of shards, which is the maximum parallelism of the keyed operator
   */
  public static String[] of(int shards) {
    KeyGroupRangeAssignment.checkParallelismPreconditions(shards);
    String[] keys = new String[shards];
    for (int shard = 0; shard < shards; shard++) {
      keys[shard] = firstKeyInGroup(shard, shards);
    }
    return keys;
  }

  /** The shard of a customer, from its {@link ShardHash}. */
  static int shardOf(int shardHash, int shards) {
    return Math.floorMod(shardHash, shards);
  }

  private static String firstKeyInGroup(int shard, int shards) {
    for (int attempt = 0; ; attempt++) {
      String candidate = shard + "." + attempt;
      if (keyGroupOf(candidate, shards) == shard) {
        return candidate;
      }
    }
  }

  /** PyFlink keys by a row that holds the key, not by the key itself. */
  private static int keyGroupOf(String key, int shards) {
    return KeyGroupRangeAssignment.assignToKeyGroup(Row.of(key), shards);
  }
}
