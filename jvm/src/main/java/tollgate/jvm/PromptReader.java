package tollgate.jvm;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.core.io.InputStatus;

/**
 * Wakes a reader's fetcher after a checkpoint, so that it commits its offsets to Kafka at once.
 *
 * <p>The connector queues the commit behind a poll that takes up to ten seconds where no record
 * comes. Until then nobody can tell from Kafka that the job has caught up. Adding no splits is what
 * interrupts the poll: it changes nothing else.
 *
 * <p>With a {@link Pace} it passes on no more than that allows. What it has not passed on yet is not read
 * yet, for checkpoints and for the offsets in Kafka.
 *
 * @param <T> what is read
 * @param <S> the splits
 */
final class PromptReader<T, S extends SourceSplit> implements SourceReader<T, S> {
  private final SourceReader<T, S> reader;
  private final Pace pace;

  /**
   * @param reader does the work
   * @param pace null: as fast as it goes
   */
  PromptReader(SourceReader<T, S> reader, Pace pace) {
    this.reader = reader;
    this.pace = pace;
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    reader.notifyCheckpointComplete(checkpointId);
    reader.addSplits(List.of());
  }

  @Override
  public void notifyCheckpointAborted(long checkpointId) throws Exception {
    reader.notifyCheckpointAborted(checkpointId);
  }

  @Override
  public void start() {
    reader.start();
  }

  @Override
  public InputStatus pollNext(ReaderOutput<T> output) throws Exception {
    if (pace == null) {
      return reader.pollNext(output);
    }
    if (pace.delayMs(System.nanoTime()) > 0) {
      return InputStatus.NOTHING_AVAILABLE;
    }
    InputStatus status = reader.pollNext(output);
    if (status == InputStatus.MORE_AVAILABLE) {
      pace.passed();
    }
    return status;
  }

  @Override
  public List<S> snapshotState(long checkpointId) {
    return reader.snapshotState(checkpointId);
  }

  @Override
  public CompletableFuture<Void> isAvailable() {
    long delayMs = pace == null ? 0 : pace.delayMs(System.nanoTime());
    if (delayMs == 0) {
      return reader.isAvailable();
    }
    return new CompletableFuture<Void>().completeOnTimeout(null, delayMs, TimeUnit.MILLISECONDS);
  }

  @Override
  public void addSplits(List<S> splits) {
    reader.addSplits(splits);
  }

  @Override
  public void notifyNoMoreSplits() {
    reader.notifyNoMoreSplits();
  }

  @Override
  public void handleSourceEvents(SourceEvent event) {
    reader.handleSourceEvents(event);
  }

  @Override
  public void pauseOrResumeSplits(Collection<String> toPause, Collection<String> toResume) {
    reader.pauseOrResumeSplits(toPause, toResume);
  }

  @Override
  public void close() throws Exception {
    reader.close();
  }
}
