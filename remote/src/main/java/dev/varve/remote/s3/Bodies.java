package dev.varve.remote.s3;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Base64;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;

/// What requests say beside what they send.
final class Bodies {

  private Bodies() {}

  static AwsRequestOverrideConfiguration within(Duration limit) {
    return AwsRequestOverrideConfiguration.builder()
        .apiCallTimeout(limit)
        .apiCallAttemptTimeout(limit)
        .build();
  }

  /// As the header wants it.
  static String base64(int crc) {
    return Base64.getEncoder().encodeToString(ByteBuffer.allocate(4).putInt(crc).array());
  }
}
