package dev.varve.remote.s3;

import dev.varve.cluster.LocalS3;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.StoreAddress;
import dev.varve.remote.StoreException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.SplittableRandom;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/// An S3 server in this process.
public final class S3Server implements AutoCloseable {

  static final String BUCKET = "varve-test";

  private final LocalS3 server;

  public S3Server(Path directory) throws IOException {
    server = LocalS3.start(directory, BUCKET);
  }

  /// A store in the bucket.
  public ObjectStore open(String prefix, InstantSource clock) throws StoreException {
    return S3Store.open(address(prefix), S3Settings.DEFAULT, clock, credentials());
  }

  int port() {
    return server.port();
  }

  StoreAddress.S3 address(String prefix) {
    return address(prefix, port());
  }

  /// With another port, for something between.
  static StoreAddress.S3 address(String prefix, int port) {
    return new StoreAddress.S3(
        BUCKET, prefix, URI.create("http://127.0.0.1:" + port), LocalS3.REGION, true);
  }

  static AwsCredentialsProvider credentials() {
    return StaticCredentialsProvider.create(
        AwsBasicCredentials.create(LocalS3.KEY, LocalS3.SECRET));
  }

  /// With the least size of parts.
  ///
  /// @param limit for a connection, and for an answer that does not go on
  static S3Settings settings(Duration limit) {
    return new S3Settings(limit, limit, 40, S3Settings.LEAST_PART, 4, 8);
  }

  /// So many bytes, always the same.
  static byte[] random(int size) {
    var bytes = new byte[size];
    new SplittableRandom(size).nextBytes(bytes);
    return bytes;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
