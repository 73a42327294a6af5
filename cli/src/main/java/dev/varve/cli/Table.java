package dev.varve.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Columns for people: a heading, left-aligned text, right-aligned numbers, two spaces between.
final class Table {

  private final List<String> headings;
  private final List<List<String>> rows = new ArrayList<>();

  Table(String... headings) {
    this.headings = List.of(headings);
  }

  void row(Object... cells) {
    var row = new ArrayList<String>();
    for (Object cell : cells) {
      row.add(String.valueOf(cell));
    }
    rows.add(row);
  }

  void print(PrintWriter out) {
    int[] widths = new int[headings.size()];
    boolean[] numeric = new boolean[headings.size()];
    for (int column = 0; column < widths.length; column++) {
      widths[column] = headings.get(column).length();
      numeric[column] = !rows.isEmpty();
      for (List<String> row : rows) {
        widths[column] = Math.max(widths[column], row.get(column).length());
        numeric[column] &= row.get(column).matches("[-0-9.,%]+( [KMGTP]iB| B)?");
      }
    }
    print(out, headings, widths, numeric);
    rows.forEach(row -> print(out, row, widths, numeric));
    out.flush();
  }

  private static void print(PrintWriter out, List<String> cells, int[] widths, boolean[] numeric) {
    var line = new StringBuilder();
    for (int column = 0; column < widths.length; column++) {
      String format = numeric[column] ? "%" + widths[column] + "s" : "%-" + widths[column] + "s";
      line.append(column == 0 ? "" : "  ")
          .append(String.format(Locale.ROOT, format, cells.get(column)));
    }
    out.println(line.toString().stripTrailing());
  }
}
