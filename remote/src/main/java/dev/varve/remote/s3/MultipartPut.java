package dev.varve.remote.s3;

import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.PutCondition;
import dev.varve.remote.StoreException;
import dev.varve.task.Backoff;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;

/// Puts one large object in parts, some at a time. What fails is aborted, so that it leaves no
/// parts behind that nobody sees and somebody pays for.
final class MultipartPut {

  private static final int MOST_PARTS = 10_000;
  private static final Duration ABORT_LIMIT = Duration.ofSeconds(10);

  /// How often a part is sent; if all of them had to arrive at the first attempt, few objects
  /// would.
  private static final int ATTEMPTS = 5;

  private static final Backoff BACKOFF = new Backoff(Duration.ofMillis(200), Duration.ofSeconds(5));

  private final S3Client client;
  private final S3Settings settings;
  private final S3Failures failures;
  private final Semaphore parts;
  private final InstantSource clock;

  /// What is put, and until when.
  record Order(
      String bucket,
      ObjectName name,
      String key,
      Content content,
      PutCondition condition,
      Map<String, String> metadata,
      Instant end) {}

  private interface Request<T> {
    T send() throws IOException;
  }

  /// @param parts as many as may be sent at once
  MultipartPut(
      S3Client client,
      S3Settings settings,
      S3Failures failures,
      Semaphore parts,
      InstantSource clock) {
    this.client = client;
    this.settings = settings;
    this.failures = failures;
    this.parts = parts;
    this.clock = clock;
  }

  /// @return the object's etag
  String run(Order order) throws IOException, InterruptedException {
    String id = retrying(order, 0, () -> create(order));
    try {
      UploadPartRequest part =
          UploadPartRequest.builder().bucket(order.bucket()).key(order.key()).uploadId(id).build();
      List<CompletedPart> sent = send(order, part);
      return retrying(order, 0, () -> complete(order, part, sent));
    } catch (IOException | InterruptedException | RuntimeException e) {
      abort(order, id, e);
      throw e;
    }
  }

  private String create(Order order) {
    return client
        .createMultipartUpload(request ->
            request
                .bucket(order.bucket())
                .key(order.key())
                .metadata(order.metadata())
                .checksumAlgorithm(ChecksumAlgorithm.CRC32_C)
                .overrideConfiguration(Bodies.within(remaining(order))))
        .uploadId();
  }

  private Duration remaining(Order order) {
    Duration left = Duration.between(clock.instant(), order.end());
    return left.isPositive() ? left : Duration.ofMillis(1);
  }

  /// @param spread parts that fail together come back one after the other, in the order of this
  private <T> T retrying(Order order, int spread, Request<T> request)
      throws IOException, InterruptedException {
    for (int attempt = 1; ; attempt++) {
      IOException failure;
      try {
        return request.send();
      } catch (SdkException | UncheckedIOException e) {
        failure = failures.thrown("put", "s3:PutObject", order.name().value(), e);
      }
      boolean passes =
          failure instanceof StoreException.Throttled
              || failure instanceof StoreException.Unavailable
              || failure instanceof StoreException.Damaged;
      Duration delay = BACKOFF.delay(attempt).multipliedBy(8 + spread % 8).dividedBy(8);
      if (!passes || attempt == ATTEMPTS || remaining(order).compareTo(delay) <= 0) {
        throw failure;
      }
      TimeUnit.NANOSECONDS.sleep(delay.toNanos());
    }
  }

  private List<CompletedPart> send(Order order, UploadPartRequest part)
      throws IOException, InterruptedException {
    long total = order.content().size();
    long size = Math.max(settings.partBytes(), (total + MOST_PARTS - 1) / MOST_PARTS);
    int count = Math.toIntExact((total + size - 1) / size);
    var sent = new AtomicReferenceArray<CompletedPart>(count);
    var next = new AtomicInteger();
    inParallel(
        Math.min(count, settings.partsOfOne()),
        () -> {
          for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
            long offset = i * size;
            int number = i + 1;
            parts.acquire();
            try {
              long length = Math.min(size, total - offset);
              sent.set(i, retrying(order, i, () -> send(order, part, number, offset, length)));
            } finally {
              parts.release();
            }
          }
        });
    var list = new ArrayList<CompletedPart>(count);
    for (int i = 0; i < count; i++) {
      list.add(sent.get(i));
    }
    return list;
  }

  private CompletedPart send(
      Order order, UploadPartRequest part, int number, long offset, long length)
      throws IOException {
    String crc = Bodies.base64(order.content().crc32c(offset, length));
    UploadPartRequest request =
        part.toBuilder()
            .partNumber(number)
            .contentLength(length)
            .checksumCRC32C(crc)
            .overrideConfiguration(Bodies.within(remaining(order)))
            .build();
    String etag;
    try (var body = new Body(order.content(), offset, length)) {
      etag = client.uploadPart(request, body.forRequest()).eTag();
    }
    return CompletedPart.builder().partNumber(number).eTag(etag).checksumCRC32C(crc).build();
  }

  private interface Work {
    void run() throws IOException, InterruptedException;
  }

  /// Runs `work` on some threads; the first failure interrupts the others.
  private static void inParallel(int count, Work work) throws IOException, InterruptedException {
    try (ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("s3-part-", 0).factory())) {
      var finished = new ExecutorCompletionService<Boolean>(threads);
      for (int i = 0; i < count; i++) {
        Future<Boolean> _ =
            finished.submit(() -> {
              work.run();
              return true;
            });
      }
      try {
        for (int i = 0; i < count; i++) {
          finished.take().get();
        }
      } catch (ExecutionException e) {
        threads.shutdownNow();
        switch (e.getCause()) {
          case IOException cause -> throw cause;
          case InterruptedException cause -> throw cause;
          case RuntimeException cause -> throw cause;
          case Error cause -> throw cause;
          case null, default -> throw new IllegalStateException(e);
        }
      } catch (InterruptedException e) {
        threads.shutdownNow();
        throw e;
      }
    }
  }

  private String complete(Order order, UploadPartRequest part, List<CompletedPart> sent) {
    CompleteMultipartUploadRequest.Builder request =
        CompleteMultipartUploadRequest.builder()
            .bucket(part.bucket())
            .key(part.key())
            .uploadId(part.uploadId())
            .multipartUpload(upload -> upload.parts(sent))
            .overrideConfiguration(Bodies.within(remaining(order)));
    switch (order.condition()) {
      case PutCondition.Always _ -> {}
      case PutCondition.IfAbsent _ -> request.ifNoneMatch("*");
      case PutCondition.IfMatches(String etag) -> request.ifMatch(etag);
    }
    return client.completeMultipartUpload(request.build()).eTag();
  }

  private void abort(Order order, String id, Exception reason) {
    boolean interrupted = Thread.interrupted(); // or the request would not be sent
    try {
      client.abortMultipartUpload(request ->
          request
              .bucket(order.bucket())
              .key(order.key())
              .uploadId(id)
              .overrideConfiguration(Bodies.within(ABORT_LIMIT)));
    } catch (SdkException | UncheckedIOException e) {
      reason.addSuppressed(e); // it stays until `removeAbandoned`
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
