package dev.varve.postgres.backup;

import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/// Walks over JSON without keeping it: enough for a manifest, which is a large file of which little
/// is wanted. Text with escapes is skipped rightly, but its value is not decoded: what is wanted
/// has none.
final class JsonScanner {

  /// A manifest's values lie three deep; whatever lies deeper is no manifest.
  private static final int DEEPEST = 16;

  private final byte[] json;
  private int at;
  private int depth;

  JsonScanner(byte[] json) {
    this.json = json;
  }

  /// Reads an object; `member` is called after each key and must consume the value.
  void object(Consumer<String> member) {
    open('{');
    if (next() == '}') {
      close('}');
      return;
    }
    do {
      String key = scalar();
      expect(':');
      member.accept(key);
    } while (another());
    close('}');
  }

  /// Reads an array; `element` must consume one element at each call.
  void array(Runnable element) {
    open('[');
    if (next() == ']') {
      close(']');
      return;
    }
    do {
      element.run();
    } while (another());
    close(']');
  }

  private void open(char bracket) {
    expect(bracket);
    if (++depth > DEEPEST) {
      throw BackupManifest.damaged("its values lie too deep");
    }
  }

  private void close(char bracket) {
    expect(bracket);
    depth--;
  }

  private boolean another() {
    if (next() != ',') {
      return false;
    }
    at++;
    return true;
  }

  /// Passes over any value.
  void skip() {
    switch (next()) {
      case '{' -> object(key -> skip());
      case '[' -> array(this::skip);
      default -> scalar();
    }
  }

  /// Reads a text, number or word; a text comes without its quotes and with its escapes as they
  /// are.
  String scalar() {
    boolean quoted = next() == '"';
    int start = quoted ? ++at : at;
    while (quoted ? peek() != '"' : isWord(peek())) {
      at += quoted && peek() == '\\' ? 2 : 1;
    }
    if (!quoted && at == start) {
      throw unexpected();
    }
    String value = new String(json, start, at - start, StandardCharsets.UTF_8);
    if (quoted) {
      at++;
    }
    return value;
  }

  private static boolean isWord(byte b) {
    return (b >= '0' && b <= '9')
        || (b >= 'a' && b <= 'z')
        || (b >= 'A' && b <= 'Z')
        || b == '-'
        || b == '+'
        || b == '.';
  }

  private void expect(char wanted) {
    if (next() != wanted) {
      throw unexpected();
    }
    at++;
  }

  /// The next byte that is not white space; not consumed.
  private byte next() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') {
      at++;
    }
    return peek();
  }

  private byte peek() {
    if (at >= json.length) {
      throw BackupManifest.damaged("it ends too early");
    }
    return json[at];
  }

  private RuntimeException unexpected() {
    return BackupManifest.damaged("byte " + at + " of it is unexpected");
  }
}
