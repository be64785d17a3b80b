package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.throwable.ThrowableClassifier;
import org.apache.flink.runtime.throwable.ThrowableType;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionState;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoudCommitterTest {
  private final List<String> signals = new ArrayList<>();

  @Test
  @DisplayName("A lost transaction fails for good, after the others of the batch were committed.")
  void lostTransaction() {
    IllegalStateException fenced = new IllegalStateException("fenced");
    LoudCommitter<String> committer = new LoudCommitter<>(losing("tx-1", fenced), saying(false));
    SuppressRestartsException failure =
        assertThrows(
            SuppressRestartsException.class,
            () -> committer.commit(List.of(request("tx-1"), request("tx-2"))));
    assertEquals(List.of("committed tx-2", "lost tx-1"), signals);
    assertTrue(failure.getCause().getMessage().endsWith("tx-1"));
    assertSame(fenced, failure.getCause().getCause());
    assertEquals(
        ThrowableType.NonRecoverableError, ThrowableClassifier.getThrowableType(failure));
  }

  @Test
  @DisplayName("Transactions that commit, or are to be tried again, raise nothing.")
  void noLoss() throws Exception {
    new LoudCommitter<>(losing("none", null), saying(false)).commit(List.of(request("tx-1"), request("later")));
    assertEquals(List.of("committed tx-1", "retry later"), signals);
  }

  @Test
  @DisplayName("A transaction that Kafka says was committed before is no loss.")
  void committedBefore() throws Exception {
    Exception fenced = new IllegalStateException("fenced");
    new LoudCommitter<>(losing("tx-1", fenced), saying(true)).commit(List.of(request("tx-1")));
    assertEquals(List.of("already tx-1"), signals);
  }

  @Test
  @DisplayName("Where Kafka cannot tell, the commit fails and is tried again by a restart.")
  void unknown() {
    IOException away = new IOException("away");
    LoudCommitter<String> committer =
        new LoudCommitter<>(
            losing("tx-1", new IllegalStateException("fenced")),
            new Answer(
                id -> {
                  throw new UncheckedIOException(away);
                }));
    assertThrows(UncheckedIOException.class, () -> committer.commit(List.of(request("tx-1"))));
    assertEquals(List.of(), signals);
  }

  @ParameterizedTest
  @CsvSource({
    "COMPLETE_COMMIT, 7, 3, true", "COMPLETE_COMMIT, 7, 4, true", "PREPARE_COMMIT, 7, 3, true",
    "COMPLETE_COMMIT, 7, 5, false", "COMPLETE_COMMIT, 8, 4, false", "COMPLETE_ABORT, 7, 4, false",
    "PREPARE_ABORT, 7, 4, false", "EMPTY, 7, 4, false", "ONGOING, 7, 3, false"
  })
  @DisplayName("Committed is what Kafka calls so, of the same producer, with no other since.")
  void outcome(TransactionState state, long producerId, int epoch, boolean committed) {
    KafkaCommittable committable = new KafkaCommittable(7, (short) 3, "tx", null);
    TransactionDescription found =
        new TransactionDescription(
            1, state, producerId, epoch, 1000, OptionalLong.empty(), Set.of());
    assertEquals(committed, TransactionOutcomes.isCommitted(committable, found));
  }

  private static Answer saying(boolean committed) {
    return new Answer(id -> committed);
  }

  private record Answer(Predicate<String> committed) implements LoudCommitter.Outcomes<String> {
    @Override
    public boolean isCommitted(String committable) {
      return committed.test(committable);
    }

    @Override
    public void close() {
      // Nothing is held open.
    }
  }

  /** Signals as Kafka's committer does, and goes on with the next request. */
  private Committer<String> losing(String lost, Exception reason) {
    return new Committer<>() {
      @Override
      public void commit(Collection<CommitRequest<String>> requests) {
        for (CommitRequest<String> request : requests) {
          if (request.getCommittable().equals(lost)) {
            request.signalFailedWithKnownReason(reason);
          } else if (request.getCommittable().equals("later")) {
            request.retryLater();
          } else {
            signals.add("committed " + request.getCommittable());
          }
        }
      }

      @Override
      public void close() {
        // Nothing is held open.
      }
    };
  }

  private Committer.CommitRequest<String> request(String transaction) {
    return new Committer.CommitRequest<>() {
      @Override
      public String getCommittable() {
        return transaction;
      }

      @Override
      public int getNumberOfRetries() {
        return 0;
      }

      @Override
      public void signalFailedWithKnownReason(Throwable reason) {
        signals.add("lost " + transaction);
      }

      @Override
      public void signalFailedWithUnknownReason(Throwable reason) {
        throw new AssertionError(reason);
      }

      @Override
      public void retryLater() {
        signals.add("retry " + transaction);
      }

      @Override
      public void updateAndRetryLater(String committable) {
        throw new AssertionError(committable);
      }

      @Override
      public void signalAlreadyCommitted() {
        signals.add("already " + transaction);
      }
    };
  }
}
