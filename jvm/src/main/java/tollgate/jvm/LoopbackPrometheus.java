package tollgate.jvm;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.exporter.HTTPServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.prometheus.AbstractPrometheusReporter;

/**
 * Flink's Prometheus reporter on a free port of the loopback interface.
 *
 * <p>Flink's own listens on every interface of the machine, which a laptop should not. Names and
 * labels are Flink's. Where it listens is written to the file of the option {@code targets}, in the
 * format that Prometheus discovers targets from (file_sd), with the label {@code process} of the
 * option of that name. Without a file nobody could find it, so it does not listen: a Flink within
 * another program, for SQL, reads the same configuration.
 */
public final class LoopbackPrometheus extends AbstractPrometheusReporter {
  private HTTPServer server;

  @Override
  public void open(MetricConfig config) {
    super.open(config);
    String targets = config.getString("targets", "");
    if (targets.isEmpty()) {
      return;
    }
    try {
      server =
          new HTTPServer(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), registry());
      announce(Path.of(targets), config.getString("process", "flink"));
    } catch (IOException e) {
      throw new UncheckedIOException("metrics cannot be offered to Prometheus", e);
    }
  }

  /** Readers see the old file or the new one. */
  private void announce(Path targets, String process) throws IOException {
    String address = InetAddress.getLoopbackAddress().getHostAddress() + ":" + server.getPort();
    Files.createDirectories(targets.getParent());
    Path written = Files.createTempFile(targets.getParent(), "targets", ".new");
    Files.writeString(
        written,
        "[{\"targets\": [\"%s\"], \"labels\": {\"process\": \"%s\"}}]\n"
            .formatted(address, process));
    Files.move(written, targets, StandardCopyOption.ATOMIC_MOVE);
  }

  /** What Flink's class keeps to its own package. */
  private CollectorRegistry registry() {
    try {
      Field registry = AbstractPrometheusReporter.class.getDeclaredField("registry");
      registry.setAccessible(true);
      return (CollectorRegistry) registry.get(this);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("another Flink than this is built for", e);
    }
  }

  @Override
  public void close() {
    if (server != null) {
      server.stop();
    }
    super.close();
  }
}
