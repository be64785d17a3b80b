package tollgate.jvm;

import java.nio.ByteBuffer;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.util.Collector;

/**
 * Splits an outgoing frame into its entries, each preceded by its u32 length.
 *
 * <p>{@link TaggedRecordSerializer} says what an entry looks like.
 */
public final class FrameSplitter implements FlatMapFunction<byte[], byte[]> {
  private static final long serialVersionUID = 1L;

  @Override
  public void flatMap(byte[] frame, Collector<byte[]> out) {
    ByteBuffer in = ByteBuffer.wrap(frame);
    while (in.hasRemaining()) {
      out.collect(nextEntry(in));
    }
  }

  private static byte[] nextEntry(ByteBuffer in) {
    int length = in.remaining() < 4 ? -1 : in.getInt();
    if (length < 0 || length > in.remaining()) {
      throw new IllegalArgumentException(
          "outgoing frame is truncated: an entry of " + length + " bytes, " + in.remaining() + " left");
    }
    byte[] entry = new byte[length];
    in.get(entry);
    return entry;
  }
}
