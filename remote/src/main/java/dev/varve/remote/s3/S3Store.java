package dev.varve.remote.s3;

import dev.varve.remote.ByteRange;
import dev.varve.remote.CheckedSink;
import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectPage;
import dev.varve.remote.ObjectState;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.PutCondition;
import dev.varve.remote.Sink;
import dev.varve.remote.StoreAddress;
import dev.varve.remote.StoreException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.Delete;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Error;
import software.amazon.awssdk.services.s3.model.S3Object;

/// An object store in an S3 bucket.
///
/// What is sent carries its CRC-32C, which the server compares if it knows how; without TLS the
/// signature covers the bytes too. The CRC-32C of the whole is kept in the object's metadata, which
/// every server returns, so that whoever reads the object can compare.
public final class S3Store implements ObjectStore {

  /// The name of our metadata: the CRC-32C of the content, as 8 hex digits.
  static final String CRC32C = "varve-crc32c";

  private static final String PUT = "s3:PutObject";
  private static final int CHUNK = 1 << 16;

  private final StoreAddress.S3 address;
  private final S3Settings settings;
  private final InstantSource clock;
  private final S3Client client;
  private final S3Failures failures;
  private final Semaphore parts;

  private S3Store(
      StoreAddress.S3 address, S3Settings settings, InstantSource clock, S3Client client) {
    this.address = address;
    this.settings = settings;
    this.clock = clock;
    this.client = client;
    failures = new S3Failures(address.toString());
    parts = new Semaphore(settings.partsAtOnce());
  }

  /// With the credentials that the SDK finds where it usually looks. Sends nothing yet.
  ///
  /// @throws StoreException.Refused if it is not known in which region the bucket is
  public static S3Store open(StoreAddress.S3 address, S3Settings settings, InstantSource clock)
      throws StoreException {
    return open(address, settings, clock, S3Clients.usualCredentials());
  }

  static S3Store open(
      StoreAddress.S3 address,
      S3Settings settings,
      InstantSource clock,
      AwsCredentialsProvider credentials)
      throws StoreException {
    return new S3Store(address, settings, clock, S3Clients.open(address, settings, credentials));
  }

  @Override
  public ObjectState put(ObjectName name, Content content, PutCondition condition, Duration limit)
      throws IOException, InterruptedException {
    int crc = content.crc32c(0, content.size());
    String etag;
    try (var body = new Body(content)) {
      etag =
          content.size() > settings.partBytes()
              ? putParts(name, content, crc, condition, limit)
              : client
                  .putObject(putRequest(name, content, crc, condition, limit), body.forRequest())
                  .eTag();
    } catch (SdkException | UncheckedIOException e) {
      throw putFailure(name, condition, failures.thrown("put", PUT, name.value(), e));
    } catch (StoreException e) {
      throw putFailure(name, condition, e);
    }
    return new ObjectState(
        name, content.size(), String.valueOf(etag), clock.instant(), OptionalInt.of(crc));
  }

  private @Nullable String putParts(
      ObjectName name, Content content, int crc, PutCondition condition, Duration limit)
      throws IOException, InterruptedException {
    var order =
        new MultipartPut.Order(
            address.bucket(),
            name,
            key(name),
            content,
            condition,
            metadata(crc),
            clock.instant().plus(limit));
    return new MultipartPut(client, settings, failures, parts, clock).run(order);
  }

  private PutObjectRequest putRequest(
      ObjectName name, Content content, int crc, PutCondition condition, Duration limit) {
    PutObjectRequest.Builder request =
        PutObjectRequest.builder()
            .bucket(address.bucket())
            .key(key(name))
            .contentLength(content.size())
            .checksumCRC32C(Bodies.base64(crc))
            .metadata(metadata(crc))
            .overrideConfiguration(Bodies.within(limit));
    return switch (condition) {
      case PutCondition.Always _ -> request.build();
      case PutCondition.IfAbsent _ -> request.ifNoneMatch("*").build();
      case PutCondition.IfMatches(String etag) -> request.ifMatch(etag).build();
    };
  }

  private IOException putFailure(ObjectName name, PutCondition condition, IOException failure) {
    // an object that is to be replaced and is not there
    return failure instanceof StoreException.NotFound && condition instanceof PutCondition.IfMatches
        ? new StoreException.PreconditionFailed(
            address + ": " + name + " was not replaced: it does not exist", failure)
        : failure;
  }

  private static Map<String, String> metadata(int crc) {
    return Map.of(CRC32C, String.format("%08x", crc));
  }

  @Override
  public ObjectState get(ObjectName name, ByteRange range, Sink sink, Duration limit)
      throws IOException, InterruptedException {
    GetObjectRequest.Builder request =
        GetObjectRequest.builder()
            .bucket(address.bucket())
            .key(key(name))
            .overrideConfiguration(Bodies.within(limit));
    if (!range.isWhole()) {
      request.range("bytes=" + range.offset() + "-" + (range.offset() + range.length() - 1));
    }
    var checked = new CheckedSink(sink);
    try {
      return client.getObject(
          request.build(),
          (response, body) -> {
            ObjectState state = state(name, range, response);
            try {
              copy(body, range.isWhole() ? state.size() : range.length(), checked);
            } catch (IOException e) {
              body.abort(); // rather than read the rest
              throw e;
            }
            checked.check(address.toString(), range, state);
            return state;
          });
    } catch (SdkException | UncheckedIOException e) {
      throw failures.thrown("get", "s3:GetObject", name.value(), e);
    }
  }

  private static void copy(InputStream body, long most, CheckedSink sink) throws IOException {
    var buffer = new byte[(int) Math.min(CHUNK, Math.max(1, most))];
    while (sink.count() < most) {
      int wanted = (int) Math.min(buffer.length, most - sink.count());
      int count = body.read(buffer, 0, wanted);
      if (count < 0) {
        return; // the count tells
      }
      sink.write(ByteBuffer.wrap(buffer, 0, count));
    }
  }

  private ObjectState state(ObjectName name, ByteRange range, GetObjectResponse response)
      throws StoreException {
    long size = response.contentLength() == null ? -1 : response.contentLength();
    if (!range.isWhole()) {
      size = ContentRange.size(response.contentRange(), range.offset());
    }
    if (size < 0) {
      throw new StoreException.Refused(
          address
              + " does not say which bytes of "
              + name
              + " it gives: this server lacks something"
              + " that Varve needs");
    }
    return new ObjectState(
        name,
        size,
        String.valueOf(response.eTag()),
        modified(response.lastModified()),
        crc(response.metadata()));
  }

  private static Instant modified(@Nullable Instant said) {
    return said == null ? Instant.EPOCH : said;
  }

  private static OptionalInt crc(Map<String, String> metadata) {
    String text = metadata.get(CRC32C);
    return text != null && text.matches("[0-9a-f]{8}")
        ? OptionalInt.of(Integer.parseUnsignedInt(text, 16))
        : OptionalInt.empty();
  }

  @Override
  public ObjectState head(ObjectName name, Duration limit)
      throws IOException, InterruptedException {
    try {
      HeadObjectResponse response =
          client.headObject(request ->
              request
                  .bucket(address.bucket())
                  .key(key(name))
                  .overrideConfiguration(Bodies.within(limit)));
      Long size = response.contentLength();
      return new ObjectState(
          name,
          size == null ? 0 : size,
          String.valueOf(response.eTag()),
          modified(response.lastModified()),
          crc(response.metadata()));
    } catch (SdkException | UncheckedIOException e) {
      throw failures.thrown(S3Failures.HEAD, "s3:GetObject and s3:ListBucket", name.value(), e);
    }
  }

  @Override
  public ObjectPage list(String prefix, String after, int most, Duration limit)
      throws IOException, InterruptedException {
    if (most < 1 || most > MOST_LISTED) {
      throw new IllegalArgumentException("can't list " + most + " objects at once");
    }
    try {
      ListObjectsV2Response response =
          client.listObjectsV2(request ->
              request
                  .bucket(address.bucket())
                  .prefix(address.prefix() + prefix)
                  .startAfter(after.isEmpty() ? null : address.prefix() + after)
                  .maxKeys(most)
                  .overrideConfiguration(Bodies.within(limit)));
      return page(prefix, after, response);
    } catch (SdkException | UncheckedIOException e) {
      throw failures.thrown("list", "s3:ListBucket", "\"" + prefix + "\"", e);
    }
  }

  private ObjectPage page(String prefix, String after, ListObjectsV2Response response)
      throws StoreException {
    var objects = new ArrayList<ObjectState>();
    int foreign = 0;
    String last = after;
    for (S3Object object : response.contents()) {
      String key = object.key();
      if (!key.startsWith(address.prefix() + prefix)) {
        throw new StoreException.Unavailable(
            address + " lists \"" + key + "\", which was not asked for");
      }
      last = key.substring(address.prefix().length());
      if (object.size() != null && object.size() >= 0 && ObjectName.isValid(last)) {
        objects.add(listed(new ObjectName(last), object));
      } else {
        foreign++;
      }
    }
    boolean more = Boolean.TRUE.equals(response.isTruncated());
    if (more && last.compareTo(after) <= 0) {
      throw new StoreException.Unavailable(
          address + " lists nothing after \"" + after + "\", though it says there is more");
    }
    return new ObjectPage(objects, foreign, more ? last : null);
  }

  private static ObjectState listed(ObjectName name, S3Object object) {
    return new ObjectState(
        name,
        object.size(),
        String.valueOf(object.eTag()),
        modified(object.lastModified()),
        OptionalInt.empty());
  }

  @Override
  public void delete(List<ObjectName> names, Duration limit)
      throws IOException, InterruptedException {
    if (names.size() > MOST_DELETIONS) {
      throw new IllegalArgumentException("can't delete " + names.size() + " objects at once");
    }
    if (names.isEmpty()) {
      return;
    }
    List<ObjectIdentifier> keys =
        names.stream().map(name -> ObjectIdentifier.builder().key(key(name)).build()).toList();
    List<S3Error> errors;
    try {
      errors =
          client
              .deleteObjects(request ->
                  request
                      .bucket(address.bucket())
                      .delete(Delete.builder().objects(keys).quiet(true).build())
                      .overrideConfiguration(Bodies.within(limit)))
              .errors();
    } catch (SdkException | UncheckedIOException e) {
      throw failures.thrown("delete", "s3:DeleteObject", names.size() + " objects", e);
    }
    for (S3Error error : errors) {
      if (!"NoSuchKey".equals(error.code())) {
        String object = error.key() + " (one of " + errors.size() + ")";
        throw failures.deletion(object, error.code(), error.message());
      }
    }
  }

  @Override
  public int removeAbandoned(Instant before, Duration limit)
      throws IOException, InterruptedException {
    try {
      return AbandonedUploads.abort(client, address, before, limit);
    } catch (SdkException | UncheckedIOException e) {
      throw failures.thrown(
          "removal", "s3:ListBucketMultipartUploads and " + PUT, "abandoned uploads", e);
    }
  }

  private String key(ObjectName name) {
    return address.prefix() + name;
  }

  @Override
  public String toString() {
    return address.toString();
  }

  @Override
  public void close() {
    client.close();
  }
}
