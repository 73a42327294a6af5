package dev.varve.remote.s3;

import dev.varve.remote.StoreAddress;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Properties;
import org.gaul.s3proxy.BlobStores;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.BlobStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.services.s3.S3Client;

/// An S3 server in this process, which keeps its objects in a directory and checks signatures.
final class S3Server implements AutoCloseable {

  static final String BUCKET = "varve-test";

  private static final String KEY = "a-key";
  private static final String SECRET = "a-secret";

  private final S3Proxy proxy;

  S3Server(Path directory) throws Exception {
    var properties = new Properties();
    properties.setProperty("jclouds.provider", "filesystem-nio2");
    properties.setProperty("jclouds.identity", KEY);
    properties.setProperty("jclouds.credential", SECRET);
    properties.setProperty("jclouds.filesystem.basedir", directory.toString());
    BlobStore blobs = BlobStores.create("filesystem-nio2", properties);
    proxy =
        S3Proxy.builder()
            .blobStore(blobs)
            .endpoint(URI.create("http://127.0.0.1:0"))
            .awsAuthentication(AuthenticationType.AWS_V4, KEY, SECRET)
            .build();
    proxy.start();
    try (S3Client client =
        S3Clients.open(address("", proxy.getPort()), S3Settings.DEFAULT, credentials())) {
      client.createBucket(request -> request.bucket(BUCKET));
    }
  }

  int port() {
    return proxy.getPort();
  }

  StoreAddress.S3 address(String prefix) {
    return address(prefix, port());
  }

  /// With another port, for something between.
  static StoreAddress.S3 address(String prefix, int port) {
    return new StoreAddress.S3(
        BUCKET, prefix, URI.create("http://127.0.0.1:" + port), "us-east-1", true);
  }

  static AwsCredentialsProvider credentials() {
    return StaticCredentialsProvider.create(AwsBasicCredentials.create(KEY, SECRET));
  }

  @Override
  public void close() throws IOException {
    try {
      proxy.stop();
    } catch (Exception e) {
      throw new IOException(e);
    }
  }
}
