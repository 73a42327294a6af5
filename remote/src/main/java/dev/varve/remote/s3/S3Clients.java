package dev.varve.remote.s3;

import dev.varve.remote.StoreAddress;
import dev.varve.remote.StoreException;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.AwsProfileRegionProvider;
import software.amazon.awssdk.regions.providers.AwsRegionProvider;
import software.amazon.awssdk.regions.providers.AwsRegionProviderChain;
import software.amazon.awssdk.regions.providers.DefaultAwsRegionProviderChain;
import software.amazon.awssdk.regions.providers.SystemSettingsRegionProvider;
import software.amazon.awssdk.services.s3.LegacyMd5Plugin;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;

/// Makes a client as an {@link S3Store} needs it.
final class S3Clients {

  private S3Clients() {}

  /// The checksums that the SDK computes by itself come in a form that many compatible servers do
  /// not take (chunks and trailers), so they are off: the store gives its own, as a header.
  static S3Client open(
      StoreAddress.S3 address, S3Settings settings, AwsCredentialsProvider credentials)
      throws StoreException {
    S3ClientBuilder builder =
        S3Client.builder()
            .httpClientBuilder(
                Apache5HttpClient.builder()
                    .maxConnections(settings.connections())
                    .connectionTimeout(settings.connectLimit())
                    .connectionAcquisitionTimeout(settings.stallLimit())
                    .socketTimeout(settings.stallLimit()))
            .credentialsProvider(credentials)
            .region(region(address))
            .forcePathStyle(address.pathStyle())
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .serviceConfiguration(s3 -> s3.chunkedEncodingEnabled(false))
            .addPlugin(LegacyMd5Plugin.create())
            .overrideConfiguration(all -> all.retryStrategy(AwsRetryStrategy.doNotRetry()));
    if (address.endpoint() != null) {
      builder.endpointOverride(address.endpoint());
    }
    return builder.build();
  }

  /// The SDK's usual chain; asks again each time, and says in one sentence when it finds nothing.
  static AwsCredentialsProvider usualCredentials() {
    DefaultCredentialsProvider chain = DefaultCredentialsProvider.builder().build();
    return () -> {
      try {
        return chain.resolveCredentials();
      } catch (SdkClientException e) {
        throw new NoCredentials(e);
      }
    };
  }

  private static Region region(StoreAddress.S3 address) throws StoreException {
    if (address.region() != null) {
      return Region.of(address.region());
    }
    boolean elsewhere = address.endpoint() != null;
    AwsRegionProvider chain =
        elsewhere
            ? new AwsRegionProviderChain(
                new SystemSettingsRegionProvider(), new AwsProfileRegionProvider())
            : DefaultAwsRegionProviderChain.builder().build();
    try {
      return chain.getRegion();
    } catch (SdkClientException e) {
      if (elsewhere) {
        return Region.US_EAST_1; // what servers that have no regions expect
      }
      throw new StoreException.Refused(
          address
              + " can't be opened: in which region it is, is not known; give it as ?region= or"
              + " set AWS_REGION",
          e);
    }
  }
}
