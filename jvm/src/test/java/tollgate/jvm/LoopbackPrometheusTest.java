package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoopbackPrometheusTest {
  @Test
  void itAnswersWhereTheFileSays(@TempDir Path directory) throws Exception {
    Path targets = directory.resolve("metrics").resolve("taskmanager-1.json");
    MetricConfig config = new MetricConfig();
    config.setProperty("targets", targets.toString());
    config.setProperty("process", "taskmanager-1");
    MetricReporter reporter = new LoopbackPrometheusFactory().createMetricReporter(new Properties());
    reporter.open(config);
    try {
      String text = Files.readString(targets);
      assertTrue(text.contains("\"process\": \"taskmanager-1\""), text);
      Matcher address = Pattern.compile("127\\.0\\.0\\.1:\\d+").matcher(text);
      assertTrue(address.find(), text);
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://" + address.group() + "/metrics")).build();
      HttpResponse<String> answer =
          HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
      assertTrue(answer.statusCode() == 200, answer.toString());
    } finally {
      reporter.close();
    }
  }

  @Test
  void withoutAFileItDoesNotListen() {
    MetricReporter reporter = new LoopbackPrometheusFactory().createMetricReporter(new Properties());
    reporter.open(new MetricConfig());
    reporter.close();
  }
}
