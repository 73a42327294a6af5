package dev.varve.etcd;

import dev.varve.remote.StoreException;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.ClientBuilder;
import io.etcd.jetcd.common.exception.EtcdException;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;

/// A client of etcd whose calls end in time, and whose failures say what they mean. Any thread may
/// call any method.
final class EtcdCalls implements AutoCloseable {

  private static final int MOST_CAUSES = 20;
  private static final long MOST_PASSWORD_BYTES = 4096;

  private final String name;
  private final Client client;
  private final Duration limit;

  private EtcdCalls(String name, Client client, Duration limit) {
    this.name = name;
    this.client = client;
    this.limit = limit;
  }

  /// Connects to nothing yet.
  ///
  /// @throws StoreException.Refused if certificates or the password can't be read
  static EtcdCalls open(EtcdAddress address, Duration limit) throws StoreException {
    EtcdAddress.Access access = address.access();
    ClientBuilder builder =
        Client.builder()
            .endpoints(address.endpoints().toArray(URI[]::new))
            .connectTimeout(limit)
            .retryMaxAttempts(1) // whoever calls knows for how long it is worth while
            .keepaliveTime(Duration.ofSeconds(10))
            .keepaliveTimeout(limit)
            .waitForReady(false);
    try {
      if (access.user() != null && access.passwordFile() != null) {
        if (Files.size(access.passwordFile()) > MOST_PASSWORD_BYTES) {
          throw new IOException(access.passwordFile() + " is too large for a password");
        }
        String password = Files.readString(access.passwordFile()).strip();
        builder.user(bytes(access.user())).password(bytes(password));
      }
      if (access.tls()) {
        builder.sslContext(ssl -> {
          if (access.authorities() != null) {
            ssl.trustManager(access.authorities().toFile());
          }
          if (access.certificate() != null && access.key() != null) {
            ssl.keyManager(access.certificate().toFile(), access.key().toFile());
          }
        });
      }
    } catch (SSLException | IllegalArgumentException e) {
      throw new StoreException.Refused(
          address + " can't be used: its certificates can't be read: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new StoreException.Refused(address + " can't be used: no password: " + e, e);
    }
    return new EtcdCalls(address.toString(), builder.build(), limit);
  }

  static ByteSequence bytes(String text) {
    return ByteSequence.from(text, StandardCharsets.UTF_8);
  }

  Client client() {
    return client;
  }

  /// Waits for an answer, for as long as a call may take.
  <T> T answer(String operation, CompletableFuture<T> future)
      throws StoreException, InterruptedException {
    try {
      return future.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      future.cancel(true);
      throw new StoreException.Unavailable(
          name + ": " + operation + " had no answer within " + limit.toMillis() + " ms", e);
    } catch (InterruptedException e) {
      future.cancel(true);
      throw e;
    } catch (CancellationException e) {
      throw new StoreException.Unavailable(name + ": " + operation + " was given up", e);
    } catch (ExecutionException e) {
      throw failure(operation, e);
    }
  }

  private StoreException failure(String operation, ExecutionException failure) {
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    String what = name + ": " + operation + " failed: " + cause.getMessage();
    return switch (code(failure)) {
      case UNAUTHENTICATED, INVALID_ARGUMENT, FAILED_PRECONDITION ->
          new StoreException.Refused(what + "; check user and password-file", cause);
      case PERMISSION_DENIED ->
          new StoreException.Refused(
              what + "; the user's role must be allowed to read and write the prefix", cause);
      case UNIMPLEMENTED -> new StoreException.Refused(what + "; Varve needs etcd 3.4", cause);
      case NOT_FOUND -> new StoreException.NotFound(what, cause);
      default -> new StoreException.Unavailable(what, cause);
    };
  }

  /// What the client or the library below it says that it was.
  private static Status.Code code(Throwable failure) {
    Throwable cause = failure;
    for (int i = 0; i < MOST_CAUSES && cause != null; i++, cause = cause.getCause()) {
      switch (cause) {
        case EtcdException answer -> {
          return Status.Code.valueOf(answer.getErrorCode().name());
        }
        case StatusException answer -> {
          return answer.getStatus().getCode();
        }
        case StatusRuntimeException answer -> {
          return answer.getStatus().getCode();
        }
        default -> {}
      }
    }
    return Status.Code.UNKNOWN;
  }

  @Override
  public String toString() {
    return name;
  }

  @Override
  public void close() {
    client.close();
  }
}
