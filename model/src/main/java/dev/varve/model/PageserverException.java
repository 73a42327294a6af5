package dev.varve.model;

/// A failure the client hears about. The kind says what to do next; the message is one sentence
/// that says what happened, to what, and what to do.
public abstract sealed class PageserverException extends RuntimeException {

  private PageserverException(String message) {
    super(message);
  }

  private PageserverException(String message, Throwable cause) {
    super(message, cause);
  }

  /// The sentence; never null.
  @Override
  public final String getMessage() {
    return String.valueOf(super.getMessage());
  }

  /// PostgreSQL's five-character code for this failure.
  public final String sqlState() {
    return switch (this) {
      case Unavailable _ -> "57P03";
      case InvalidRequest _ -> "22023";
      case NotFound _ -> "42704";
      case Conflict _ -> "42710";
      case DataCorrupted _ -> "XX001";
      case Unsupported _ -> "0A000";
    };
  }

  /// Not now: the same request may succeed later.
  public static final class Unavailable extends PageserverException {
    public Unavailable(String message) {
      super(message);
    }

    public Unavailable(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /// Ask for something else.
  public static final class InvalidRequest extends PageserverException {
    public InvalidRequest(String message) {
      super(message);
    }
  }

  /// There is no such tenant, timeline, relation or page.
  public static final class NotFound extends PageserverException {
    public NotFound(String message) {
      super(message);
    }
  }

  /// What should be made exists already, or something is in its way.
  public static final class Conflict extends PageserverException {
    public Conflict(String message) {
      super(message);
    }
  }

  /// What is stored, or what redo makes of it, can't be right. Stop, and look.
  public static final class DataCorrupted extends PageserverException {
    public DataCorrupted(String message) {
      super(message);
    }

    public DataCorrupted(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /// Varve can't do this yet, though there is nothing wrong with what was asked for or is stored.
  public static final class Unsupported extends PageserverException {
    public Unsupported(String message) {
      super(message);
    }
  }
}
