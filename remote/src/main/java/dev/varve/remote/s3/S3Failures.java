package dev.varve.remote.s3;

import dev.varve.remote.LocalFailure;
import dev.varve.remote.StoreException;
import java.io.IOException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedByInterruptException;
import java.util.Set;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;

/// Says what a failure of the SDK means.
///
/// The SDK throws its own exceptions, and an `UncheckedIOException` where the answer that says what
/// is wrong breaks off.
///
/// @param store what the store is called in messages
record S3Failures(String store) {

  static final String HEAD = "head";

  private static final int MOST_CAUSES = 20;
  private static final int LONGEST_TEXT = 300;

  private static final Set<String> THROTTLING =
      Set.of(
          "SlowDown",
          "SlowDownRead",
          "SlowDownWrite",
          "Throttling",
          "ThrottlingException",
          "RequestLimitExceeded",
          "TooManyRequests",
          "TooManyRequestsException",
          "BandwidthLimitExceeded");

  /// Codes of failures that pass, with statuses that don't say so. The SDK sets its clock by the
  /// answer that says that it is wrong.
  private static final Set<String> PASSING =
      Set.of(
          "RequestTimeout",
          "RequestTimeTooSkewed",
          "ConditionalRequestConflict",
          "OperationAborted",
          "InternalError",
          "ServiceUnavailable");

  private static final Set<String> GARBLED =
      Set.of(
          "BadDigest",
          "InvalidDigest",
          "XAmzContentSHA256Mismatch",
          "XAmzContentChecksumMismatch",
          "IncompleteBody",
          "InvalidRange");

  /// What a failure stands for.
  ///
  /// @param permission what the credentials must be allowed to do, as S3's policies call it
  IOException thrown(String operation, String permission, String object, RuntimeException failure)
      throws InterruptedException {
    Throwable cause = failure;
    for (int i = 0; i < MOST_CAUSES && cause != null; i++, cause = cause.getCause()) {
      switch (cause) {
        case LocalFailure local -> {
          return local.failure();
        }
        case StoreException known -> {
          return known;
        }
        default -> {}
      }
    }
    String what = what(operation, object);
    if (failure instanceof ApiCallTimeoutException
        || failure instanceof ApiCallAttemptTimeoutException) {
      return new StoreException.Unavailable(what + "no answer within the time limit", failure);
    }
    requireUninterrupted(failure);
    return failure instanceof AwsServiceException answer
        ? answered(operation, permission, object, answer)
        : unanswered(what, failure);
  }

  private String what(String operation, String object) {
    return store + ": " + operation + " of " + object + " failed: ";
  }

  private static void requireUninterrupted(RuntimeException failure) throws InterruptedException {
    boolean interrupted = Thread.interrupted() || failure instanceof AbortedException;
    Throwable cause = failure;
    for (int i = 0; i < MOST_CAUSES && cause != null && !interrupted; i++) {
      interrupted =
          cause instanceof InterruptedException || cause instanceof ClosedByInterruptException;
      cause = cause.getCause();
    }
    if (interrupted) {
      var thrown = new InterruptedException();
      thrown.initCause(failure);
      throw thrown;
    }
  }

  private StoreException answered(
      String operation, String permission, String object, AwsServiceException answer) {
    int status = answer.statusCode();
    String code =
        answer.awsErrorDetails() == null ? "" : text(answer.awsErrorDetails().errorCode());
    String said = what(operation, object) + described(answer, code);
    if (code.equals("NoSuchBucket")) {
      return new StoreException.Refused(said + "; create the bucket, or name another", answer);
    }
    return switch (status) {
      case 404 ->
          // without a code the answer broke off, unless it is one that has no body
          code.equals("NoSuchKey") || operation.equals(HEAD)
              ? new StoreException.NotFound(store + " has no object " + object, answer)
              : new StoreException.Unavailable(said, answer);
      case 412 ->
          new StoreException.PreconditionFailed(
              store + ": " + object + " was not replaced: its condition did not hold", answer);
      default -> {
        if (THROTTLING.contains(code) || status == 429) {
          yield new StoreException.Throttled(said, answer);
        }
        if (GARBLED.contains(code)) {
          yield new StoreException.Damaged(said, answer);
        }
        if (PASSING.contains(code) || status == 408 || status == 409) {
          yield new StoreException.Unavailable(said, answer);
        }
        yield status < 500 || status == 501
            ? new StoreException.Refused(said + "; " + advice(status, code, permission), answer)
            : new StoreException.Unavailable(said, answer);
      }
    };
  }

  private static String described(AwsServiceException answer, String code) {
    String message =
        answer.awsErrorDetails() == null ? "" : text(answer.awsErrorDetails().errorMessage());
    String id = answer.requestId() == null ? "" : ", request " + text(answer.requestId());
    return message + " (" + code + ", status " + answer.statusCode() + id + ")";
  }

  private static String advice(int status, String code, String permission) {
    return switch (code) {
      case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken" ->
          "check the credentials that the AWS SDK finds (AWS_ACCESS_KEY_ID and"
              + " AWS_SECRET_ACCESS_KEY, ~/.aws, the instance's or the pod's role)";
      case "ExpiredToken", "TokenRefreshRequired" ->
          "the session's credentials have expired: renew them";
      case "AuthorizationHeaderMalformed",
          "PermanentRedirect",
          "IllegalLocationConstraintException" ->
          "the bucket may be in another region: give it as ?region=";
      case "NotImplemented" -> "this server lacks something that Varve needs";
      default ->
          switch (status) {
            case 401, 403 -> "the credentials need " + permission + " on this bucket";
            case 301, 307, 308 -> "the bucket may be in another region or need ?path-style=true";
            default -> "this server does not take such requests";
          };
    };
  }

  private StoreException unanswered(String what, RuntimeException failure) {
    Throwable cause = failure;
    for (int i = 0; i < MOST_CAUSES && cause != null; i++, cause = cause.getCause()) {
      if (cause instanceof NoCredentials) {
        return new StoreException.Refused(what + text(cause.getMessage()), failure);
      }
      if (cause instanceof SSLHandshakeException) {
        return new StoreException.Refused(
            what + text(cause.getMessage()) + "; this Java must trust the server's certificate",
            failure);
      }
      if (cause instanceof UnknownHostException) {
        return new StoreException.Unavailable(
            what + "no such host: " + text(cause.getMessage()), failure);
      }
    }
    return new StoreException.Unavailable(what + text(failure.getMessage()), failure);
  }

  /// One of the errors in the answer to a request for several objects.
  StoreException deletion(String object, @Nullable String code, @Nullable String message) {
    String said = store + ": delete of " + object + " failed: " + text(message);
    said += " (" + text(code) + ")";
    if (THROTTLING.contains(text(code))) {
      return new StoreException.Throttled(said);
    }
    return "AccessDenied".equals(code)
        ? new StoreException.Refused(said + "; the credentials need s3:DeleteObject on this bucket")
        : new StoreException.Unavailable(said);
  }

  /// What a server says may be of any length.
  private static String text(@Nullable String said) {
    if (said == null) {
      return "";
    }
    return said.length() <= LONGEST_TEXT ? said : said.substring(0, LONGEST_TEXT) + "...";
  }
}
