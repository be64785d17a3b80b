package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static tollgate.jvm.Samples.utf8;

import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.streaming.api.functions.python.KeyByKeySelector;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShardsTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 128, 1024})
  @DisplayName("Keyed as PyFlink keys it, shard i is in key group i: each group has exactly one.")
  void keyGroups(int shards) throws Exception {
    String[] keys = ShardKeys.of(shards);
    assertEquals(shards, keys.length);
    for (int shard = 0; shard < shards; shard++) {
      Row key = new KeyByKeySelector().getKey(Row.of(keys[shard], new byte[0]));
      assertEquals(shard, KeyGroupRangeAssignment.assignToKeyGroup(key, shards));
    }
  }

  @Test
  @DisplayName("Two subtasks get half of the shards each, four a quarter each.")
  void evenShares() {
    for (int parallelism : new int[] {2, 4}) {
      int[] shares = new int[parallelism];
      for (String key : ShardKeys.of(128)) {
        shares[KeyGroupRangeAssignment.assignKeyToParallelOperator(Row.of(key), 128, parallelism)]++;
      }
      for (int share : shares) {
        assertEquals(128 / parallelism, share);
      }
    }
  }

  @Test
  @DisplayName("The shard keys, which are in every savepoint, are what they always were.")
  void keysArePinned() {
    String[] keys = ShardKeys.of(128);
    assertEquals("0.100", keys[0]);
    assertEquals(1611119814, String.join(",", keys).hashCode());
  }

  @Test
  @DisplayName("The shard hash, which decides where state is, is what it always was.")
  void hashIsPinned() {
    assertEquals(0xAB3E7C0B, ShardHash.of(new byte[0]));
    assertEquals(0x7860B3C2, ShardHash.of(utf8("acme")));
    assertEquals(0xD62B27AF, ShardHash.of(utf8("tenant/acmé")));
  }

  @Test
  @DisplayName("Numbered customers spread evenly: no shard has twice its share.")
  void hashSpreads() {
    int[] customers = new int[128];
    for (int i = 0; i < 128_000; i++) {
      customers[ShardKeys.shardOf(ShardHash.of(utf8("customer-" + i)), 128)]++;
    }
    for (int share : customers) {
      assertTrue(share > 850 && share < 1_150, "1000 expected, got " + share);
    }
  }
}
