package dev.varve.remote.s3;

import java.time.Duration;

/// How an {@link S3Store} goes about it.
///
/// @param connectLimit for a connection to be made, TLS included
/// @param stallLimit how long an answer may not go on
/// @param connections at most so many; must be more than the requests that are let in at once and
///   `partsAtOnce` together
/// @param partBytes size of the parts of large objects, and from where on an object is large; S3
///   allows no less than 5 MiB
/// @param partsOfOne how many parts of one object are sent at once
/// @param partsAtOnce how many parts of all objects are sent at once
public record S3Settings(
    Duration connectLimit,
    Duration stallLimit,
    int connections,
    long partBytes,
    int partsOfOne,
    int partsAtOnce) {

  public static final S3Settings DEFAULT =
      new S3Settings(Duration.ofSeconds(5), Duration.ofSeconds(15), 160, 16L << 20, 4, 32);

  static final long LEAST_PART = 5L << 20;

  public S3Settings {
    if (partBytes < LEAST_PART) {
      throw new IllegalArgumentException("a part has 5 MiB or more, not " + partBytes + " bytes");
    }
    if (partsOfOne < 1 || partsAtOnce < partsOfOne || connections <= partsAtOnce) {
      throw new IllegalArgumentException(
          "there must be more connections than parts at once, of which one object has some");
    }
  }
}
