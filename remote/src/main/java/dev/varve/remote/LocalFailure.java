package dev.varve.remote;

import java.io.IOException;

/// What reading content or writing into a sink failed with, on its way out of the code of a store:
/// so that it isn't taken for a failure of the store. A store throws the cause.
public final class LocalFailure extends IOException {

  private final IOException failure;

  public LocalFailure(IOException failure) {
    super(failure);
    this.failure = failure;
  }

  public IOException failure() {
    return failure;
  }
}
