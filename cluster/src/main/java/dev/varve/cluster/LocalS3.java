package dev.varve.cluster;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.gaul.s3proxy.BlobStores;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;

/// An S3 server in this process, on loopback, which keeps its objects in a directory and checks
/// signatures: S3Proxy. For the demo and for tests.
public final class LocalS3 implements AutoCloseable {

  public static final String KEY = "a-key";
  public static final String SECRET = "a-secret";

  /// Any will do.
  public static final String REGION = "us-east-1";

  /// Its web server tells of each start and stop; the logger is kept, or the level would be lost.
  private static final Logger LOG = Logger.getLogger("org.gaul");

  static {
    LOG.setLevel(Level.WARNING);
  }

  private final S3Proxy proxy;
  private final String bucket;

  private LocalS3(S3Proxy proxy, String bucket) {
    this.proxy = proxy;
    this.bucket = bucket;
  }

  /// Starts a server with one bucket, which keeps what is in the directory already.
  public static LocalS3 start(Path directory, String bucket) throws IOException {
    Files.createDirectories(directory.resolve(bucket));
    var properties = new Properties();
    properties.setProperty("jclouds.provider", "filesystem-nio2");
    properties.setProperty("jclouds.identity", KEY);
    properties.setProperty("jclouds.credential", SECRET);
    properties.setProperty("jclouds.filesystem.basedir", directory.toString());
    try {
      S3Proxy proxy =
          S3Proxy.builder()
              .blobStore(BlobStores.create("filesystem-nio2", properties))
              .endpoint(URI.create("http://127.0.0.1:0"))
              .awsAuthentication(AuthenticationType.AWS_V4, KEY, SECRET)
              .build();
      proxy.start();
      return new LocalS3(proxy, bucket);
    } catch (IOException e) {
      throw e;
    } catch (Exception e) { // what S3Proxy declares
      throw new IOException("the S3 server does not start: " + e.getMessage(), e);
    }
  }

  public int port() {
    return proxy.getPort();
  }

  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + port());
  }

  /// The bucket, as Varve takes it.
  public String address() {
    return "s3://%s/?endpoint=%s&region=%s&path-style=true".formatted(bucket, endpoint(), REGION);
  }

  @Override
  public void close() throws IOException {
    try {
      proxy.stop();
    } catch (Exception e) { // what S3Proxy declares
      throw new IOException(e);
    }
  }
}
