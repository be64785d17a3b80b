package tollgate.jvm;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.runtime.execution.SuppressRestartsException;

/**
 * Stops the job when a transaction is lost.
 *
 * <p>Kafka's committer counts a fenced or expired transaction in a metric and goes on; the records
 * in it are then missing for good. No restart brings them back: the checkpoint says that they were
 * written. So the job fails for good too, and a person decides.
 *
 * <p>A restored job commits once more what its predecessor may have committed already. Kafka 4
 * (transaction.version 2) answers that as it answers a loss, so Kafka is asked what became of the
 * transaction before it is called lost.
 *
 * @param <CommT> what is committed
 */
final class LoudCommitter<CommT> implements Committer<CommT> {
  private final Committer<CommT> committer;
  private final Outcomes<CommT> outcomes;

  LoudCommitter(Committer<CommT> committer, Outcomes<CommT> outcomes) {
    this.committer = committer;
    this.outcomes = outcomes;
  }

  /** Knows what became of transactions that can no longer be committed. */
  interface Outcomes<CommT> extends AutoCloseable {
    /** Whether Kafka says that the transaction was committed. */
    boolean isCommitted(CommT committable) throws IOException;
  }

  /** Lets the whole batch be tried before it fails: the other transactions are good. */
  @Override
  public void commit(Collection<CommitRequest<CommT>> requests)
      throws IOException, InterruptedException {
    List<CommitRequest<CommT>> watched = new ArrayList<>();
    List<Refusal<CommT>> refusals = new ArrayList<>();
    for (CommitRequest<CommT> request : requests) {
      watched.add(new WatchedRequest<>(request, refusals));
    }
    committer.commit(watched);
    IOException firstLoss = null;
    for (Refusal<CommT> refusal : refusals) {
      if (outcomes.isCommitted(refusal.request().getCommittable())) {
        refusal.request().signalAlreadyCommitted();
      } else {
        refusal.request().signalFailedWithKnownReason(refusal.reason());
        firstLoss = firstLoss == null ? loss(refusal) : firstLoss;
      }
    }
    if (firstLoss != null) {
      throw new SuppressRestartsException(firstLoss);
    }
  }

  private static IOException loss(Refusal<?> refusal) {
    return new IOException(
        "Kafka transaction lost, its records are missing from the topic: "
            + refusal.request().getCommittable(),
        refusal.reason());
  }

  @Override
  public void close() throws Exception {
    try (Outcomes<CommT> closed = outcomes) {
      committer.close();
    }
  }

  /** A transaction that Kafka would not commit. */
  private record Refusal<CommT>(CommitRequest<CommT> request, Throwable reason) {}

  /** Notes what the committer would pass over. */
  private static final class WatchedRequest<CommT> implements CommitRequest<CommT> {
    private final CommitRequest<CommT> request;
    private final List<Refusal<CommT>> refusals;

    WatchedRequest(CommitRequest<CommT> request, List<Refusal<CommT>> refusals) {
      this.request = request;
      this.refusals = refusals;
    }

    @Override
    public CommT getCommittable() {
      return request.getCommittable();
    }

    @Override
    public int getNumberOfRetries() {
      return request.getNumberOfRetries();
    }

    @Override
    public void signalFailedWithKnownReason(Throwable reason) {
      refusals.add(new Refusal<>(request, reason));
    }

    @Override
    public void signalFailedWithUnknownReason(Throwable reason) {
      request.signalFailedWithUnknownReason(reason);
    }

    @Override
    public void retryLater() {
      request.retryLater();
    }

    @Override
    public void updateAndRetryLater(CommT committable) {
      request.updateAndRetryLater(committable);
    }

    @Override
    public void signalAlreadyCommitted() {
      request.signalAlreadyCommitted();
    }
  }
}
