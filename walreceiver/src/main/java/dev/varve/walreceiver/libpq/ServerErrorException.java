package dev.varve.walreceiver.libpq;

import java.io.IOException;
import java.util.Map;

/// PostgreSQL refused, and said why.
///
/// The message is a sentence of what PostgreSQL said, its SQLSTATE, and, where we know it, what to
/// do about it.
public final class ServerErrorException extends IOException {

  private static final int LONGEST = 1000;

  private final String sqlState;
  private final String serverMessage;
  private final boolean fatal;

  private ServerErrorException(
      String message, String sqlState, String serverMessage, boolean fatal) {
    super(message);
    this.sqlState = sqlState;
    this.serverMessage = serverMessage;
    this.fatal = fatal;
  }

  /// From the fields of an ErrorResponse, by their one-letter names.
  static ServerErrorException of(Map<Character, String> fields, ConnectionInfo.Host host) {
    String state = clean(fields.getOrDefault('C', "XX000"));
    String said = clean(fields.getOrDefault('M', "no message"));
    String severity = fields.getOrDefault('V', fields.getOrDefault('S', ""));
    var sentence = new StringBuilder("PostgreSQL at " + host + " says: " + said);
    for (char name : new char[] {'D', 'H'}) {
      String more = fields.get(name);
      if (more != null) {
        sentence.append(" (").append(clean(more)).append(')');
      }
    }
    sentence.append(" [").append(state).append(']');
    Advice.of(state, said).ifPresent(advice -> sentence.append("; ").append(advice));
    boolean fatal = severity.equals("FATAL") || severity.equals("PANIC");
    return new ServerErrorException(sentence.toString(), state, said, fatal);
  }

  /// PostgreSQL's five-character code.
  public String sqlState() {
    return sqlState;
  }

  /// The server's message alone, without detail, hint and advice.
  public String serverMessage() {
    return serverMessage;
  }

  /// Whether the server ended the connection with it.
  public boolean isFatal() {
    return fatal;
  }

  /// On one line, of bounded length: the server's text goes to logs and terminals.
  private static String clean(String text) {
    String oneLine = text.replaceAll("\\p{Cntrl}+", " ").strip();
    return oneLine.length() <= LONGEST ? oneLine : oneLine.substring(0, LONGEST) + "…";
  }
}
