package dev.varve.walreceiver.libpq;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The rows that a command gave back, as text; empty when it gave none.
///
/// @param columns their names
public record Rows(List<String> columns, List<List<@Nullable String>> rows) {

  static final Rows NONE = new Rows(List.of(), List.of());

  public boolean isEmpty() {
    return rows.isEmpty();
  }

  public int size() {
    return rows.size();
  }

  /// The value of a column, by its place; null where the database says null.
  public @Nullable String get(int row, int column) throws ProtocolException {
    if (row >= rows.size() || column >= rows.get(row).size()) {
      throw new ProtocolException(
          "the answer has no row %d with a column %d".formatted(row, column));
    }
    return rows.get(row).get(column);
  }

  /// A value that must be there.
  public String text(int row, int column) throws ProtocolException {
    String value = get(row, column);
    if (value == null) {
      throw new ProtocolException(
          "the answer's row %d has no value in column %d".formatted(row, column));
    }
    return value;
  }

  /// A value that must be a number.
  public long number(int row, int column) throws ProtocolException {
    String value = text(row, column);
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new ProtocolException("the answer has \"" + value + "\" where a number should be");
    }
  }

  static List<String> columns(MessageReader message) throws ProtocolException {
    int count = message.getShort();
    var columns = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      columns.add(message.getText());
      // Table, column, type, size, modifier, format.
      message.skip(4 + 2 + 4 + 2 + 4 + 2);
    }
    return columns;
  }

  static List<@Nullable String> row(MessageReader message) throws ProtocolException {
    int count = message.getShort();
    var row = new ArrayList<@Nullable String>();
    for (int i = 0; i < count; i++) {
      int length = message.getInt();
      row.add(
          length == -1
              ? null
              : new String(message.getBytes(length), java.nio.charset.StandardCharsets.UTF_8));
    }
    return row;
  }
}
