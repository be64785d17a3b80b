package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.throwable.ThrowableClassifier;
import org.apache.flink.runtime.throwable.ThrowableType;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class LoudCommitterTest {
  private final List<String> signals = new ArrayList<>();

  @Test
  @DisplayName("A lost transaction fails for good, after the others of the batch were committed.")
  void lostTransaction() {
    IllegalStateException fenced = new IllegalStateException("fenced");
    LoudCommitter<String> committer = new LoudCommitter<>(losing("tx-1", fenced));
    SuppressRestartsException failure =
        assertThrows(
            SuppressRestartsException.class,
            () -> committer.commit(List.of(request("tx-1"), request("tx-2"))));
    assertEquals(List.of("lost tx-1", "committed tx-2"), signals);
    assertTrue(failure.getCause().getMessage().endsWith("tx-1"));
    assertSame(fenced, failure.getCause().getCause());
    assertEquals(
        ThrowableType.NonRecoverableError, ThrowableClassifier.getThrowableType(failure));
  }

  @Test
  @DisplayName("Transactions that commit, or are to be tried again, raise nothing.")
  void noLoss() throws Exception {
    new LoudCommitter<>(losing("none", null)).commit(List.of(request("tx-1"), request("later")));
    assertEquals(List.of("committed tx-1", "retry later"), signals);
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
        throw new AssertionError(transaction);
      }
    };
  }
}
