package dev.varve.remote.s3;

import static dev.varve.remote.s3.S3Server.random;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.PutCondition;
import dev.varve.remote.StoreException;
import dev.varve.remote.s3.FaultyProxy.Fault;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class OpenFilesTest {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final ObjectName NAME = new ObjectName("layers/one");
  private static final S3Settings SETTINGS = S3Server.settings(Duration.ofSeconds(20));

  /// A file that stays open keeps its place on the disk when it is deleted.
  @Test
  void noFileStaysOpenWhateverBecomesOfThePut(@TempDir Path directory) throws Exception {
    try (var server = new S3Server(directory.resolve("s3"));
        var proxy = new FaultyProxy(server.port());
        var store =
            S3Store.open(
                S3Server.address("test/", proxy.port()),
                SETTINGS,
                InstantSource.system(),
                S3Server.credentials())) {
      putWithFaults(directory, proxy, store);
    }
  }

  private static void putWithFaults(Path directory, FaultyProxy proxy, S3Store store)
      throws IOException, InterruptedException {
    Path file = directory.resolve("layer");
    int failures = 0;
    for (int size : new int[] {1000, (int) S3Settings.LEAST_PART * 8 + 1}) {
      Files.write(file, random(size));
      List<Fault> faults =
          List.of(
              new Fault.Before(),
              new Fault.After(),
              new Fault.Cut(300),
              new Fault.Answer(503, "SlowDown"));
      for (Fault fault : faults) {
        proxy.next(fault);
        try {
          store.put(NAME, Content.of(file), PutCondition.ALWAYS, LIMIT);
        } catch (StoreException _) {
          failures++; // a part is sent again, a whole object is not
        }
        assertThat(descriptorsOf(file)).as("after %s, %d bytes", fault, size).isZero();
      }
    }
    assertThat(failures).isPositive();
  }

  private static long descriptorsOf(Path file) throws IOException {
    long open = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path descriptor : all) {
        try {
          open += Files.readSymbolicLink(descriptor).equals(file.toRealPath()) ? 1 : 0;
        } catch (NoSuchFileException _) {
          // The one that the directory is read by.
        }
      }
    }
    return open;
  }
}
