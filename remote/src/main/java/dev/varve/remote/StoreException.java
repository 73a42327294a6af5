package dev.varve.remote;

/// A failure of an object store. Its kind says what to do next; the message names the store, the
/// object and the operation.
public abstract sealed class StoreException extends java.io.IOException {

  private StoreException(String message) {
    super(message);
  }

  private StoreException(String message, Throwable cause) {
    super(message, cause);
  }

  /// The sentence; never null.
  @Override
  public final String getMessage() {
    return String.valueOf(super.getMessage());
  }

  /// The kinds, for counting.
  public enum Kind {
    NOT_FOUND,
    PRECONDITION_FAILED,
    REFUSED,
    DAMAGED,
    THROTTLED,
    UNAVAILABLE
  }

  public final Kind kind() {
    return switch (this) {
      case NotFound _ -> Kind.NOT_FOUND;
      case PreconditionFailed _ -> Kind.PRECONDITION_FAILED;
      case Refused _ -> Kind.REFUSED;
      case Damaged _ -> Kind.DAMAGED;
      case Throttled _ -> Kind.THROTTLED;
      case Unavailable _ -> Kind.UNAVAILABLE;
    };
  }

  /// The same failure, with something added to what it says.
  final StoreException with(String addition) {
    String message = getMessage() + addition;
    return switch (this) {
      case NotFound _ -> new NotFound(message, this);
      case PreconditionFailed _ -> new PreconditionFailed(message, this);
      case Refused _ -> new Refused(message, this);
      case Damaged _ -> new Damaged(message, this);
      case Throttled _ -> new Throttled(message, this);
      case Unavailable _ -> new Unavailable(message, this);
    };
  }

  /// There is no such object.
  public static final class NotFound extends StoreException {
    public NotFound(String message) {
      super(message);
    }

    public NotFound(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /// The condition of a put did not hold; nothing was changed.
  public static final class PreconditionFailed extends StoreException {
    public PreconditionFailed(String message) {
      super(message);
    }

    public PreconditionFailed(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /// The store won't do this until somebody changes permissions or configuration.
  public static final class Refused extends StoreException {
    public Refused(String message) {
      super(message);
    }

    public Refused(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /// The bytes are not those that they should be, or fewer. On the way, if another attempt
  /// succeeds; otherwise in the store.
  public static final class Damaged extends StoreException {
    public Damaged(String message) {
      super(message);
    }

    public Damaged(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /// The store asks for fewer requests. A put may not have taken effect.
  public static final class Throttled extends StoreException {
    public Throttled(String message) {
      super(message);
    }

    public Throttled(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /// No answer in time, or one that says to try again. What was asked for may have happened or not.
  public static final class Unavailable extends StoreException {
    public Unavailable(String message) {
      super(message);
    }

    public Unavailable(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
