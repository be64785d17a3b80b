package tollgate.jvm;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplitSerializer;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.io.SimpleVersionedSerialization;
import org.apache.flink.core.memory.DataInputViewStreamWrapper;
import org.apache.flink.runtime.checkpoint.Checkpoints;
import org.apache.flink.runtime.checkpoint.OperatorState;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.checkpoint.metadata.CheckpointMetadata;
import org.apache.flink.runtime.state.OperatorStateHandle;
import org.apache.flink.runtime.state.OperatorStateHandle.StateMetaInfo;

/**
 * Prints how far a savepoint or checkpoint has read a Kafka source: lines "topic partition offset",
 * the offset being that of the next record.
 *
 * <p>What has been committed since would be billed a second time from there. The savepoint alone
 * says so with certainty: the times of its files do not.
 */
public final class SavepointOffsets {
  /** The name under which Flink's source operator keeps its splits. */
  private static final String SPLITS = "SourceReaderState";

  private SavepointOffsets() {}

  /**
   * @param arguments the directory of the savepoint, and the uid of the source
   */
  public static void main(String[] arguments) throws IOException {
    of(Path.of(arguments[0]), arguments[1])
        .forEach((split, offset) -> System.out.println(split + " " + offset));
  }

  /** The next offset of each "topic partition" of the source with this uid; empty if it has none. */
  static SortedMap<String, Long> of(Path directory, String uid) throws IOException {
    SortedMap<String, Long> offsets = new TreeMap<>();
    for (OperatorState operator : metadata(directory).getOperatorStates()) {
      if (operator.getOperatorUid().filter(uid::equals).isPresent()) {
        for (OperatorSubtaskState subtask : operator.getStates()) {
          for (OperatorStateHandle handle : subtask.getManagedOperatorState()) {
            addSplits(handle, offsets);
          }
        }
      }
    }
    return offsets;
  }

  /** What a savepoint or checkpoint says of itself. */
  static CheckpointMetadata metadata(Path directory) throws IOException {
    Path file = directory.resolve("_metadata");
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      return Checkpoints.loadCheckpointMetadata(
          in, SavepointOffsets.class.getClassLoader(), directory.toUri().toString());
    }
  }

  private static void addSplits(OperatorStateHandle handle, SortedMap<String, Long> offsets)
      throws IOException {
    StateMetaInfo splits = handle.getStateNameToPartitionOffsets().get(SPLITS);
    if (splits == null) {
      return;
    }
    try (FSDataInputStream in = handle.openInputStream()) {
      for (long position : splits.getOffsets()) {
        in.seek(position);
        byte[] bytes =
            BytePrimitiveArraySerializer.INSTANCE.deserialize(new DataInputViewStreamWrapper(in));
        KafkaPartitionSplit split =
            SimpleVersionedSerialization.readVersionAndDeSerialize(
                new KafkaPartitionSplitSerializer(), bytes);
        offsets.put(split.getTopic() + " " + split.getPartition(), split.getStartingOffset());
      }
    }
  }
}
