package dev.varve.remote.s3;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The header of an answer that says which bytes it has, of how many: `bytes 0-9/100`.
final class ContentRange {

  private static final Pattern FORM = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18})");

  private ContentRange() {}

  /// The size of the whole, or -1 if the answer is none to a request for bytes from `offset` on.
  static long size(@Nullable String header, long offset) {
    Matcher matcher = FORM.matcher(header == null ? "" : header);
    boolean fits = matcher.matches() && Long.parseLong(matcher.group(1)) == offset;
    return fits ? Long.parseLong(matcher.group(3)) : -1;
  }
}
