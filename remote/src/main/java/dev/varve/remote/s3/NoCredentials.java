package dev.varve.remote.s3;

import software.amazon.awssdk.core.exception.SdkClientException;

/// The SDK has found no credentials where it looks for them.
final class NoCredentials extends SdkClientException {

  NoCredentials(SdkClientException cause) {
    super(
        SdkClientException.builder()
            .message(
                "no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or configure"
                    + " ~/.aws or a role: "
                    + cause.getMessage())
            .cause(cause));
  }
}
