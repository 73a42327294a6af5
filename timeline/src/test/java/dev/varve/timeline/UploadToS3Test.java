package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.model.TimelineId;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.generation.Generation;
import dev.varve.remote.s3.S3Server;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Uploads to a real S3 server, with real threads and files.
class UploadToS3Test {

  private static final Duration SOON = Duration.ofSeconds(60);

  @TempDir private Path directory;

  private interface Life {
    void live(Tenants tenants) throws Exception;
  }

  private void open(Bucket bucket, Life life) throws Exception {
    var threads = new RealThreads(InstantSource.system(), 2);
    try (var tasks = new TaskManager(threads, Duration.ofSeconds(10));
        Tenants tenants =
            Tenants.open(
                directory.resolve("data"),
                DataModel.of(_ -> new HashRedo()),
                tasks,
                Fixture.settings(8 << 20, 1 << 20),
                bucket.remote(threads))) {
      life.live(tenants);
    }
  }

  private static void flush(Timeline timeline, Written written) {
    try (Ingest ingest = timeline.ingest()) {
      for (int i = 0; i < 20; i++) {
        written.image(ingest, i);
      }
    }
    timeline.checkpoint();
  }

  private static Timeline create(Tenants tenants) {
    Timeline prod =
        tenants.createRoot(
            Fixture.TENANT,
            new TimelineId(1, 1),
            "prod",
            17,
            new Lsn(Fixture.START),
            Map.of("system_identifier", "7"));
    try (Ingest ingest = prod.ingest()) {
      Fixture.putImage(ingest, 0, Fixture.START, 7);
      ingest.advance(Fixture.START);
    }
    prod.markImported(new Lsn(Fixture.START));
    return prod;
  }

  @Test
  @Timeout(120)
  void followsOverTwoLives() throws Exception {
    Path objects = Files.createDirectory(directory.resolve("s3"));
    var written = new Written();
    try (var server = new S3Server(objects);
        ObjectStore store = server.open("varve/", InstantSource.system())) {
      var bucket = new Bucket(store, directory);
      open(bucket, tenants -> firstLife(tenants, bucket, written));
      bucket.requireSound();
      assertThat(bucket.store.count("get")).as("nothing is read of what is new").isZero();
      open(bucket, tenants -> secondLife(tenants, bucket, written));
      bucket.requireSound();
      assertThat(bucket.store.newest()).isEqualTo(new Generation(2));
      assertThat(bucket.store.index(new TimelineId(1, 1)).orElseThrow().diskConsistentLsn())
          .as("what was written last, by the end")
          .isEqualTo(new Lsn(written.last()));
    }
  }

  private static void firstLife(Tenants tenants, Bucket bucket, Written written)
      throws IOException, InterruptedException {
    Timeline prod = create(tenants);
    for (int i = 0; i < 5; i++) {
      flush(prod, written);
    }
    Timeline branch = tenants.branch(prod, new TimelineId(1, 2), "b", prod.lastRecordLsn());
    flush(branch, written.branch(prod.lastRecordLsn().value()));
    assertThat(tenants.upload(prod, SOON)).isTrue();
    assertThat(tenants.upload(branch, SOON)).isTrue();
    bucket.requireSame(tenants);
  }

  private static void secondLife(Tenants tenants, Bucket bucket, Written written)
      throws IOException, InterruptedException {
    Timeline prod = tenants.find("prod").orElseThrow();
    flush(prod, written);
    tenants.delete(tenants.find("b").orElseThrow());
    assertThat(tenants.upload(prod, SOON)).isTrue();
    bucket.requireSame(tenants);
    written.check(prod, Fixture.START);
    flush(prod, written);
  }
}
