package dev.varve.remote.s3;

import dev.varve.remote.StoreAddress;
import java.time.Duration;
import java.time.Instant;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ListMultipartUploadsResponse;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.NoSuchUploadException;

/// Aborts uploads in parts that nobody has ended: those of processes that died, and those of which
/// nobody heard that they had begun.
final class AbandonedUploads {

  private AbandonedUploads() {}

  /// @return how many
  static int abort(S3Client client, StoreAddress.S3 address, Instant before, Duration limit) {
    int aborted = 0;
    String key = null;
    String id = null;
    boolean more = true;
    while (more && aborted == 0) {
      String afterKey = key;
      String afterId = id;
      ListMultipartUploadsResponse page =
          client.listMultipartUploads(request ->
              request
                  .bucket(address.bucket())
                  .prefix(address.prefix())
                  .keyMarker(afterKey)
                  .uploadIdMarker(afterId)
                  .overrideConfiguration(Bodies.within(limit)));
      for (MultipartUpload upload : page.uploads()) {
        boolean ours = upload.key().startsWith(address.prefix());
        if (ours && upload.initiated() != null && upload.initiated().isBefore(before)) {
          aborted += abort(client, address.bucket(), upload, limit) ? 1 : 0;
        }
      }
      key = page.nextKeyMarker();
      id = page.nextUploadIdMarker();
      more = Boolean.TRUE.equals(page.isTruncated()) && key != null && !key.equals(afterKey);
    }
    return aborted;
  }

  private static boolean abort(
      S3Client client, String bucket, MultipartUpload upload, Duration limit) {
    try {
      client.abortMultipartUpload(request ->
          request
              .bucket(bucket)
              .key(upload.key())
              .uploadId(upload.uploadId())
              .overrideConfiguration(Bodies.within(limit)));
      return true;
    } catch (NoSuchUploadException e) {
      return false; // it has ended meanwhile
    }
  }
}
