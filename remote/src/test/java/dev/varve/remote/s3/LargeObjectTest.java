package dev.varve.remote.s3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import dev.varve.remote.PutCondition;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteLimits;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.Urgency;
import dev.varve.task.RealThreads;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A large object goes there and back through a process that has much less memory than its size.
class LargeObjectTest {

  private static final int SIZE = 96 << 20;
  private static final ObjectName NAME = new ObjectName("large");

  @Test
  @Timeout(120)
  void memoryIsBounded(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("large");
    write(file);
    try (var server = new S3Server(Files.createDirectory(directory.resolve("s3")))) {
      var command =
          List.of(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-Xmx40m",
              "-XX:MaxDirectMemorySize=4m",
              "-cp",
              System.getProperty("java.class.path"),
              ThereAndBack.class.getName(),
              String.valueOf(server.port()),
              file.toString(),
              directory.resolve("back").toString());
      Process process = new ProcessBuilder(command).inheritIO().start();
      assertThat(process.waitFor()).isZero();
    }
    assertThat(Files.mismatch(file, directory.resolve("back"))).isEqualTo(-1);
  }

  private static void write(Path file) throws IOException {
    var random = new SplittableRandom(1);
    var part = new byte[1 << 20];
    try (var out = Files.newOutputStream(file)) {
      for (int i = 0; i < SIZE >> 20; i++) {
        random.nextBytes(part);
        out.write(part);
      }
    }
  }

  /// The process with little memory.
  static final class ThereAndBack {

    private ThereAndBack() {}

    public static void main(String[] arguments) throws Exception {
      var address = S3Server.address("", Integer.parseInt(arguments[0]));
      RemoteCall call = RemoteCall.untilDone(Urgency.UPLOAD);
      try (var threads = new RealThreads(InstantSource.system(), 1);
          var remote =
              new RemoteStorage(
                  S3Store.open(
                      address, S3Settings.DEFAULT, InstantSource.system(), S3Server.credentials()),
                  threads,
                  new SplittableRandom(2),
                  RemoteLimits.DEFAULT);
          var back =
              FileChannel.open(
                  Path.of(arguments[2]),
                  StandardOpenOption.CREATE_NEW,
                  StandardOpenOption.READ,
                  StandardOpenOption.WRITE)) {
        Content content = Content.of(Path.of(arguments[1]));
        ObjectState put = remote.put(NAME, content, PutCondition.IF_ABSENT, call);
        remote.download(NAME, put.size(), back, call);
        if (remote.counts().operations().values().stream()
            .flatMap(counts -> counts.failures().values().stream())
            .anyMatch(failures -> failures > 0)) {
          throw new AssertionError(remote.counts().toString());
        }
      }
    }
  }
}
