package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static tollgate.jvm.Samples.logged;
import static tollgate.jvm.Samples.usage;

import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class UsageFramerStateTest {
  @Test
  @DisplayName("Clocks follow their partitions from one subtask to two, swapped over, and back to one.")
  void partitionsMove() throws Exception {
    OperatorSubtaskState one;
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "a", 1_000), logged(1, 0, "b", 2_000));
      one = framer.checkpoint();
    }
    OperatorSubtaskState left;
    OperatorSubtaskState right;
    try (FramerHarness first = FramerHarness.restore(FramerHarness.framer(), 2, 0, one);
        FramerHarness second = FramerHarness.restore(FramerHarness.framer(), 2, 1, one)) {
      first.send(logged(1, 1, "b", 2_500));
      second.send(logged(0, 1, "a", 1_500));
      left = first.checkpoint();
      right = second.checkpoint();
      assertEquals(List.of(2_000L), first.clocks());
      assertEquals(List.of(1_000L), second.clocks());
    }
    try (FramerHarness framer = FramerHarness.restore(FramerHarness.framer(), 1, 0, left, right)) {
      framer.send(logged(0, 2, "a", 1), logged(1, 2, "b", 1));
      framer.checkpoint();
      assertEquals(List.of(1_500L, 2_500L), sortedClocks(framer));
    }
  }

  @Test
  @DisplayName("A partition that is silent over two checkpoints and a rescale keeps its clock.")
  void quietPartition() throws Exception {
    OperatorSubtaskState state;
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "a", 1_000), logged(1, 0, "b", 2_000));
      state = framer.checkpoint();
    }
    OperatorSubtaskState left;
    OperatorSubtaskState right;
    try (FramerHarness first = FramerHarness.restore(FramerHarness.framer(), 2, 0, state);
        FramerHarness second = FramerHarness.restore(FramerHarness.framer(), 2, 1, state)) {
      first.send(logged(0, 1, "a", 3_000));
      first.checkpoint();
      second.checkpoint();
      left = first.checkpoint();
      right = second.checkpoint();
    }
    try (FramerHarness framer = FramerHarness.restore(FramerHarness.framer(), 2, 1, left, right)) {
      framer.send(logged(1, 1, "b", 1));
      framer.checkpoint();
      assertEquals(List.of(2_000L), framer.clocks());
    }
  }

  @Test
  @DisplayName("After a restore only partitions that have spoken count for the watermark.")
  void watermarkAfterRestore() throws Exception {
    OperatorSubtaskState state;
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "a", 1_000), logged(1, 0, "b", 2_000));
      state = framer.checkpoint();
    }
    try (FramerHarness framer = FramerHarness.restore(FramerHarness.framer(), 2, 1, state)) {
      framer.checkpoint();
      assertEquals(List.of(), framer.watermarks());
      framer.send(logged(1, 1, "b", 1_500));
      framer.allPartitionsDelivered();
      framer.checkpoint();
      assertEquals(List.of(2_000L), framer.watermarks());
    }
  }

  @Test
  @DisplayName("A skew known at the start is final: nothing that is accepted later changes it.")
  void knownAtStart() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.accepted(5_000);
      sendAtSkew(framer, FramerHarness.SKEW_MS);
      framer.checkpoint();
      assertEquals(List.of(0L, 0L, 11_000L), framer.clocks());
    }
  }

  @Test
  @DisplayName("Without one the initial skew holds until one is accepted; that is then final.")
  void learnedOnce() throws Exception {
    try (FramerHarness framer = FramerHarness.open(awaitingSkew())) {
      sendAtSkew(framer, FramerHarness.SKEW_MS);
      framer.accepted(5_000);
      framer.accepted(99_000);
      sendAtSkew(framer, 5_000);
      framer.checkpoint();
      assertEquals(List.of(0L, 0L, 11_000L, 11_000L, 11_000L, 15_000L), framer.clocks());
    }
  }

  @Test
  @DisplayName("A skew learned while the job ran survives a restore, on every subtask.")
  void learnedIsRestored() throws Exception {
    OperatorSubtaskState state = afterLearning(5_000);
    try (FramerHarness framer = FramerHarness.restore(awaitingSkew(), 2, 1, state)) {
      framer.accepted(99_000);
      sendAtSkew(framer, 5_000);
      framer.checkpoint();
      assertEquals(List.of(0L, 0L, 15_000L), framer.clocks());
    }
  }

  @Test
  @DisplayName("A skew known at the start of a restored job wins over the one in its state.")
  void knownWinsOverState() throws Exception {
    OperatorSubtaskState state = afterLearning(99_000);
    try (FramerHarness framer = FramerHarness.restore(FramerHarness.framer(), 1, 0, state)) {
      sendAtSkew(framer, FramerHarness.SKEW_MS);
      framer.checkpoint();
      assertEquals(List.of(0L, 0L, 11_000L), framer.clocks());
    }
  }

  @Test
  @DisplayName("While no skew is known none is kept: a restored job still learns it.")
  void unknownIsNotKept() throws Exception {
    OperatorSubtaskState state;
    try (FramerHarness framer = FramerHarness.open(awaitingSkew())) {
      state = framer.checkpoint();
    }
    try (FramerHarness framer = FramerHarness.restore(awaitingSkew(), 1, 0, state)) {
      framer.accepted(5_000);
      sendAtSkew(framer, 5_000);
      framer.checkpoint();
      assertEquals(List.of(0L, 0L, 15_000L), framer.clocks());
    }
  }

  private static OperatorSubtaskState afterLearning(long skewMs) throws Exception {
    try (FramerHarness framer = FramerHarness.open(awaitingSkew())) {
      framer.accepted(skewMs);
      return framer.checkpoint();
    }
  }

  private static UsageFramer awaitingSkew() {
    return new UsageFramer(
        FramerHarness.SHARDS,
        FramerHarness.KEYED_SUBTASKS,
        FramerHarness.RECORDS_MAX,
        FramerHarness.LINGER_MS,
        FramerHarness.SKEW_MS,
        false,
        new String[0]);
  }

  /** A record beyond the skew, one at it, and a third whose header shows which of them counted. */
  private static void sendAtSkew(FramerHarness framer, long skewMs) throws Exception {
    framer.send(
        logged(0, 0, usage("a", 10_001 + skewMs).build(), 10_000),
        logged(0, 1, usage("a", 10_000 + skewMs).build(), 10_000),
        logged(0, 2, usage("a", 1).build(), 10_000));
  }

  private static List<Long> sortedClocks(FramerHarness framer) {
    return framer.clocks().stream().sorted().toList();
  }
}
