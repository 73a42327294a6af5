package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// A disk that is smaller than the data, and really full: while the bucket is away nothing that is
/// there is lost or becomes unreadable, and when it is back there is room again.
class RemoteFullDiskTest {

  private static final int MAJOR = 17;
  private static final int MEMORY = 512;
  private static final int DISK_MEBIBYTES = 48;
  private static final int LIMIT_SECONDS = 300;
  private static final String NAME = "main";

  /// Some 150 MB that hardly compress.
  private static final String FILL =
      "insert into big select i, concat(md5(random()::text), md5(random()::text))"
          + " from generate_series(1, 1300000) i";

  @Test
  void aFullDiskLosesNothingAndGoesOnWhenThereIsRoom() throws Exception {
    try (var scratch = Scratch.make();
        var disk = SmallDisk.mount(scratch.of("varve"), DISK_MEBIBYTES);
        var bucket = new Bucket(scratch.of("s3"));
        var wire = new Wire(bucket.port());
        var source = source()) {
      source.execute("create table big (i int, t text)");
      String address = bucket.address(wire.port());
      try (Varve varve =
          Varve.start(scratch.path(), MEMORY, Bucket.CREDENTIALS, "--remote", address)) {
        varve.command("import", "--from", source.connectionString("postgres"), "--name", NAME);
        varve.command("upload", NAME);
        PageSample sample = PageSample.take(source, varve, NAME, new SplittableRandom(1));
        wire.cut();
        source.execute(FILL);
        awaitFull(varve, disk);
        sample.compare(varve, NAME);

        wire.mend();
        varve.command("upload", NAME); // what can't be written is tried again
        String end = source.query("select pg_logical_emit_message(true, 'e2e', 'the end')");
        varve.command("wait", NAME, "--lsn", end, "--timeout", String.valueOf(LIMIT_SECONDS));
        sample.compare(varve, NAME);
        varve.command("upload", NAME);
        compareContent(varve, source, scratch.of("restored"));
      }
      System.out.print(bucket.scrub("--read-all"));
    }
  }

  /// Autovacuum would change catalogs while they are compared.
  private static LocalCluster source() throws IOException {
    return LocalCluster.builder(PostgresBinaries.of(MAJOR)).setting("autovacuum", "off").start();
  }

  /// Until writing fails, which the server says, and why.
  private static void awaitFull(Varve varve, SmallDisk disk) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    JsonNode shown = varve.json("show", NAME);
    while (!shown.path("state").asString().equals("failing")) {
      assertThat(System.nanoTime()).as("%s", shown).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(100);
      shown = varve.json("show", NAME);
    }
    System.out.printf("full, with %d KiB free: %s%n", disk.free() >> 10, shown);
    assertThat(shown.toString()).contains("No space left on device");
  }

  private static void compareContent(Varve varve, LocalCluster source, Path restored)
      throws Exception {
    varve.command("restore", NAME, "--to", restored.toString());
    try (LocalCluster copy = LocalCluster.existing(source.binaries(), restored).start()) {
      assertThat(Content.of(source).differences(Content.of(copy))).isEmpty();
    }
  }

  /// A file system in memory.
  private record SmallDisk(Path path, FileStore store) implements AutoCloseable {

    static SmallDisk mount(Path path, int mebibytes) throws IOException {
      Files.createDirectory(path);
      String options = "size=" + mebibytes + "m,mode=755";
      boolean isMounted = run("mount", "-t", "tmpfs", "-o", options, "varve-test", path.toString());
      if (!isMounted) {
        System.err.println("NOT TESTED: a full disk, since no file system can be mounted here");
      }
      assumeTrue(isMounted);
      return new SmallDisk(path, Files.getFileStore(path));
    }

    private static boolean run(String... command) throws IOException {
      Process process = new ProcessBuilder(command).inheritIO().start();
      try {
        return process.waitFor() == 0;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException(String.join(" ", command));
      }
    }

    long free() throws IOException {
      return store.getUsableSpace();
    }

    @Override
    public void close() throws IOException {
      assertThat(run("umount", "--lazy", path.toString())).isTrue();
    }
  }
}
