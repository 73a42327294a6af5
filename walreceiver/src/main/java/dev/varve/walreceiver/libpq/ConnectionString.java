package dev.varve.walreceiver.libpq;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The two forms in which libpq takes connection parameters, to a map from name to value.
///
/// | form      | example                                                           |
/// |-----------|-------------------------------------------------------------------|
/// | key=value | `host=db port=5432 user=varve password='it\'s'`                    |
/// | URI       | `postgresql://varve:secret@db:5432,[::1]:5433/app?sslmode=require` |
///
/// The rules are those of PostgreSQL's manual, section "Connection Strings". No message of an error
/// repeats the text, which may hold a password.
final class ConnectionString {

  private final String text;
  private int position;

  private ConnectionString(String text) {
    this.text = text;
  }

  static Map<String, String> parse(String text) {
    String trimmed = text.strip();
    for (String scheme : List.of("postgresql://", "postgres://")) {
      if (trimmed.startsWith(scheme)) {
        return uri(trimmed.substring(scheme.length()));
      }
    }
    return new ConnectionString(trimmed).pairs();
  }

  // --- key=value ---

  private Map<String, String> pairs() {
    var values = new LinkedHashMap<String, String>();
    for (skipSpace(); position < text.length(); skipSpace()) {
      String name = name();
      skipSpace();
      if (position == text.length() || text.charAt(position) != '=') {
        throw new IllegalArgumentException(
            "the connection string lacks \"=\" after \""
                + name
                + "\"; it looks like host=db user=varve, or postgresql://varve@db");
      }
      position++;
      skipSpace();
      values.put(name, value(name));
    }
    return values;
  }

  private void skipSpace() {
    while (position < text.length() && Character.isWhitespace(text.charAt(position))) {
      position++;
    }
  }

  private String name() {
    int start = position;
    while (position < text.length()
        && text.charAt(position) != '='
        && !Character.isWhitespace(text.charAt(position))) {
      position++;
    }
    return text.substring(start, position);
  }

  private String value(String name) {
    boolean quoted = position < text.length() && text.charAt(position) == '\'';
    if (quoted) {
      position++;
    }
    var value = new StringBuilder();
    while (position < text.length()) {
      char c = text.charAt(position++);
      if (c == '\\' && position < text.length()) {
        value.append(text.charAt(position++));
      } else if (quoted && c == '\'') {
        return value.toString();
      } else if (!quoted && Character.isWhitespace(c)) {
        return value.toString();
      } else {
        value.append(c);
      }
    }
    if (quoted) {
      throw new IllegalArgumentException(
          "the connection string's value of " + name + " has no closing quote");
    }
    return value.toString();
  }

  // --- URI ---

  private static Map<String, String> uri(String rest) {
    var values = new LinkedHashMap<String, String>();
    int question = rest.indexOf('?');
    String address = question < 0 ? rest : rest.substring(0, question);
    int at = address.lastIndexOf('@', end(address, address.indexOf('/')));
    if (at >= 0) {
      user(address.substring(0, at), values);
      address = address.substring(at + 1);
    }
    int slash = address.indexOf('/');
    hosts(address.substring(0, end(address, slash)), values);
    if (slash >= 0 && slash + 1 < address.length()) {
      values.put("dbname", decode(address.substring(slash + 1)));
    }
    if (question >= 0) {
      query(rest.substring(question + 1), values);
    }
    return values;
  }

  private static int end(String text, int index) {
    return index < 0 ? text.length() : index;
  }

  private static void user(String text, Map<String, String> values) {
    int colon = text.indexOf(':');
    String name = decode(text.substring(0, end(text, colon)));
    if (!name.isEmpty()) {
      values.put("user", name);
    }
    if (colon >= 0) {
      values.put("password", decode(text.substring(colon + 1)));
    }
  }

  private static void hosts(String text, Map<String, String> values) {
    if (text.isEmpty()) {
      return;
    }
    var hosts = new ArrayList<String>();
    var ports = new ArrayList<String>();
    for (String host : text.split(",", -1)) {
      int bracket = host.startsWith("[") ? host.indexOf(']') : -1;
      if (host.startsWith("[") && bracket < 0) {
        throw new IllegalArgumentException("the URI's IPv6 address has no closing \"]\"");
      }
      int colon = host.indexOf(':', Math.max(bracket, 0));
      String name = host.substring(0, end(host, colon));
      hosts.add(bracket < 0 ? decode(name) : name.substring(1, bracket));
      ports.add(colon < 0 ? "" : host.substring(colon + 1));
    }
    values.put("host", String.join(",", hosts));
    if (!ports.stream().allMatch(String::isEmpty)) {
      values.put("port", String.join(",", ports));
    }
  }

  private static void query(String text, Map<String, String> values) {
    for (String pair : text.split("&", -1)) {
      int equals = pair.indexOf('=');
      if (equals < 0) {
        throw new IllegalArgumentException(
            "the URI's parameter \"" + pair + "\" has no \"=\" and no value");
      }
      String name = decode(pair.substring(0, equals));
      String value = decode(pair.substring(equals + 1));
      if (name.equals("ssl") && value.equals("true")) {
        values.put("sslmode", "require");
      } else {
        values.put(name, value);
      }
    }
  }

  /// Percent-encoded UTF-8; a plus sign is itself.
  private static String decode(String text) {
    if (text.indexOf('%') < 0) {
      return text;
    }
    ByteBuffer bytes = ByteBuffer.allocate(text.length() * 3);
    for (int i = 0; i < text.length(); ) {
      if (text.charAt(i) != '%') {
        int end = end(text, text.indexOf('%', i));
        bytes.put(text.substring(i, end).getBytes(StandardCharsets.UTF_8));
        i = end;
        continue;
      }
      int high = i + 2 < text.length() ? Character.digit(text.charAt(i + 1), 16) : -1;
      int low = i + 2 < text.length() ? Character.digit(text.charAt(i + 2), 16) : -1;
      if (high < 0 || low < 0 || (high == 0 && low == 0)) {
        throw new IllegalArgumentException(
            "a \"%\" in the URI must be followed by two hexadecimal digits, not both 0");
      }
      bytes.put((byte) (high << 4 | low));
      i += 3;
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("the URI's percent-encoded bytes are not UTF-8", e);
    }
  }
}
