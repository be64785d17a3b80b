package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static tollgate.jvm.Samples.logged;
import static tollgate.jvm.Samples.usage;

import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tollgate.v1.FramerTerms;

class DemandFramesTest {
  private static final FramerTerms SMS = FramerTerms.newBuilder().addSurgeMeters("sms").build();

  @Test
  @DisplayName("While no meter has a surge rule nothing goes to the counter of demand.")
  void noRule() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      use(framer, 0, "sms");
      framer.checkpoint();
      assertEquals(List.of(), framer.demand());
      assertEquals(1, framer.entries().size());
    }
  }

  @Test
  @DisplayName("Records of the meters with a rule go there in the order of the log, others do not.")
  void withRule() throws Exception {
    try (FramerHarness framer = FramerHarness.open(surging("sms", "mms"))) {
      use(framer, 0, "sms");
      use(framer, 1, "voice");
      use(framer, 2, "mms");
      use(framer, 3, "sm");
      framer.checkpoint();
      assertEquals(List.of(0L, 2L), framer.demand());
      assertEquals(4, framer.entries().size());
    }
  }

  @Test
  @DisplayName("What is demand leaves before the watermark that its time makes.")
  void beforeTheWatermark() throws Exception {
    try (FramerHarness framer = FramerHarness.open(surging("sms"))) {
      framer.allPartitionsDelivered();
      use(framer, 0, "sms");
      assertEquals(List.of(), framer.demand());
      framer.passTime(FramerHarness.LINGER_MS);
      assertEquals(List.of(0L), framer.demand());
      assertEquals(List.of(1_000L), framer.watermarks());
    }
  }

  @Test
  @DisplayName("A rule that is published while the job runs counts from then on.")
  void learned() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      use(framer, 0, "sms");
      framer.accepted(SMS);
      use(framer, 1, "sms");
      framer.checkpoint();
      assertEquals(List.of(1L), framer.demand());
    }
  }

  @Test
  @DisplayName("It counts after a restore as well, on every subtask, beside those known at the start.")
  void restored() throws Exception {
    OperatorSubtaskState state;
    try (FramerHarness framer = FramerHarness.open()) {
      framer.accepted(SMS);
      state = framer.checkpoint();
    }
    for (int subtask = 0; subtask < 2; subtask++) {
      try (FramerHarness framer = FramerHarness.restore(surging("mms"), 2, subtask, state)) {
        use(framer, 0, "sms");
        use(framer, 1, "mms");
        use(framer, 2, "voice");
        framer.checkpoint();
        assertEquals(List.of(0L, 1L), framer.demand());
      }
    }
  }

  private static void use(FramerHarness framer, long offset, String meter) throws Exception {
    framer.send(logged(0, offset, usage("acme", 1_000).setMeter(meter).build(), 1_000));
  }

  private static UsageFramer surging(String... meters) {
    return new UsageFramer(
        FramerHarness.SHARDS,
        FramerHarness.KEYED_SUBTASKS,
        FramerHarness.RECORDS_MAX,
        FramerHarness.LINGER_MS,
        FramerHarness.SKEW_MS,
        true,
        meters);
  }
}
