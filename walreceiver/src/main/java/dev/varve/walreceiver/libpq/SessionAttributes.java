package dev.varve.walreceiver.libpq;

/// Which of several hosts will do, as libpq's `target_session_attrs` says it. PostgreSQL reports
/// what it takes to know on every connection, from version 14 on.
enum SessionAttributes {
  ANY("any"),
  READ_WRITE("read-write"),
  READ_ONLY("read-only"),
  PRIMARY("primary"),
  STANDBY("standby"),
  /// A standby if there is one, else any.
  PREFER_STANDBY("prefer-standby");

  private final String text;

  SessionAttributes(String text) {
    this.text = text;
  }

  static SessionAttributes parse(String text) {
    for (SessionAttributes value : values()) {
      if (value.text.equals(text)) {
        return value;
      }
    }
    throw new IllegalArgumentException(
        "target_session_attrs="
            + text
            + " is none of any, read-write, read-only, primary, standby, prefer-standby");
  }

  /// Whether a server will do.
  boolean fits(PgConnection server) {
    boolean standby = "on".equals(server.parameter("in_hot_standby"));
    boolean readOnly = standby || "on".equals(server.parameter("default_transaction_read_only"));
    return switch (this) {
      case ANY -> true;
      case READ_WRITE -> !readOnly;
      case READ_ONLY -> readOnly;
      case PRIMARY -> !standby;
      case STANDBY, PREFER_STANDBY -> standby;
    };
  }

  @Override
  public String toString() {
    return text;
  }
}
