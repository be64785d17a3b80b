package tollgate.jvm;

import java.io.IOException;
import java.nio.file.Path;
import java.util.SortedSet;
import java.util.TreeSet;
import org.apache.flink.runtime.checkpoint.OperatorState;

/**
 * Prints the uids of the operators whose state a savepoint or checkpoint holds, one a line.
 *
 * <p>Flink refuses a job that has no operator for one of them, but only when it starts: by then the
 * job before it has been stopped.
 */
public final class SavepointOperators {
  private SavepointOperators() {}

  /**
   * @param arguments the directory of the savepoint
   */
  public static void main(String[] arguments) throws IOException {
    of(Path.of(arguments[0])).forEach(System.out::println);
  }

  /** The uids of operators with state, in order; of one without a uid, the id that Flink made. */
  static SortedSet<String> of(Path directory) throws IOException {
    SortedSet<String> uids = new TreeSet<>();
    for (OperatorState operator : SavepointOffsets.metadata(directory).getOperatorStates()) {
      if (operator.getStateSize() > 0) {
        uids.add(operator.getOperatorUid().orElseGet(() -> operator.getOperatorID().toHexString()));
      }
    }
    return uids;
  }
}
