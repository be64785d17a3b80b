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
 * @param <CommT> what is committed
 */
final class LoudCommitter<CommT> implements Committer<CommT> {
  private final Committer<CommT> committer;

  LoudCommitter(Committer<CommT> committer) {
    this.committer = committer;
  }

  /** Lets the whole batch be tried before it fails: the other transactions are good. */
  @Override
  public void commit(Collection<CommitRequest<CommT>> requests)
      throws IOException, InterruptedException {
    List<CommitRequest<CommT>> watched = new ArrayList<>();
    List<IOException> losses = new ArrayList<>();
    for (CommitRequest<CommT> request : requests) {
      watched.add(new WatchedRequest<>(request, losses));
    }
    committer.commit(watched);
    if (!losses.isEmpty()) {
      throw new SuppressRestartsException(losses.get(0));
    }
  }

  @Override
  public void close() throws Exception {
    committer.close();
  }

  /** Notes what the committer would pass over. */
  private static final class WatchedRequest<CommT> implements CommitRequest<CommT> {
    private final CommitRequest<CommT> request;
    private final List<IOException> losses;

    WatchedRequest(CommitRequest<CommT> request, List<IOException> losses) {
      this.request = request;
      this.losses = losses;
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
      losses.add(
          new IOException(
              "Kafka transaction lost, its records are missing from the topic: "
                  + request.getCommittable(),
              reason));
      request.signalFailedWithKnownReason(reason);
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
