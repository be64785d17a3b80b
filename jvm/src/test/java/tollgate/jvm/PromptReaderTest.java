package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.core.io.InputStatus;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class PromptReaderTest {
  private final Endless endless = new Endless();

  @Test
  @DisplayName("Without a pace all passes, and the wrapped reader says when there is more.")
  void unpaced() throws Exception {
    PromptReader<Integer, SourceSplit> reader = new PromptReader<>(endless, null);
    for (int i = 0; i < 1000; i++) {
      assertEquals(InputStatus.MORE_AVAILABLE, reader.pollNext(null));
    }
    assertEquals(endless.available, reader.isAvailable());
  }

  @Test
  @DisplayName("With a pace a slice's records pass; then there is nothing until the next one begins.")
  void paced() throws Exception {
    PromptReader<Integer, SourceSplit> reader =
        new PromptReader<>(endless, new Pace(3, System.nanoTime() + TimeUnit.HOURS.toNanos(1)));
    for (int i = 0; i < 3; i++) {
      assertEquals(InputStatus.MORE_AVAILABLE, reader.pollNext(null));
    }
    assertEquals(InputStatus.NOTHING_AVAILABLE, reader.pollNext(null));
    assertEquals(3, endless.polled);
    assertFalse(reader.isAvailable().isDone());
  }

  @Test
  @DisplayName("Once the next slice begins the reader is available again, and goes on.")
  void goesOn() throws Exception {
    PromptReader<Integer, SourceSplit> reader =
        new PromptReader<>(endless, new Pace(3, System.nanoTime()));
    while (endless.polled < 30) {
      if (reader.pollNext(null) == InputStatus.NOTHING_AVAILABLE) {
        reader.isAvailable().get(10, TimeUnit.SECONDS);
      }
    }
    assertTrue(reader.pollNext(null) != InputStatus.END_OF_INPUT);
  }

  @Test
  @DisplayName("A poll that finds nothing costs nothing of the pace.")
  void nothingThere() throws Exception {
    PromptReader<Integer, SourceSplit> reader =
        new PromptReader<>(endless, new Pace(1, System.nanoTime() + TimeUnit.HOURS.toNanos(1)));
    endless.status = InputStatus.NOTHING_AVAILABLE;
    reader.pollNext(null);
    reader.pollNext(null);
    assertEquals(endless.available, reader.isAvailable());
    endless.status = InputStatus.MORE_AVAILABLE;
    assertEquals(InputStatus.MORE_AVAILABLE, reader.pollNext(null));
    assertEquals(InputStatus.NOTHING_AVAILABLE, reader.pollNext(null));
  }

  /** Has a record whenever it is asked, unless it is told otherwise. */
  private static final class Endless implements SourceReader<Integer, SourceSplit> {
    final CompletableFuture<Void> available = CompletableFuture.completedFuture(null);
    InputStatus status = InputStatus.MORE_AVAILABLE;
    int polled;

    @Override
    public InputStatus pollNext(ReaderOutput<Integer> output) {
      polled++;
      return status;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return available;
    }

    @Override
    public void start() {}

    @Override
    public List<SourceSplit> snapshotState(long checkpointId) {
      return List.of();
    }

    @Override
    public void addSplits(List<SourceSplit> splits) {}

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public void close() {}
  }
}
