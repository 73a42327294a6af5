package dev.varve.layer;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a layer file holds, as its name says it:
///
/// | kind  | name                                               |
/// |-------|----------------------------------------------------|
/// | delta | `<key>-<key>__<LSN>-<LSN>-v1`, ends are excluded   |
/// | image | `<key>-<key>__<LSN>-v1`, the end key is excluded   |
///
/// A key is 36 upper-case hex digits ({@link Key#toString()}), an LSN 16 of them. Of files that
/// hold versions of the same keys and LSNs, the second and later ones have a number at the end, 8
/// lower-case hex digits after another `-`.
///
/// @param lsns of an image layer: the LSN of the images, and the one after it
/// @param copy tells files of the same keys and LSNs apart; mostly 0
public record LayerName(LayerKind kind, KeyRange keys, LsnRange lsns, int copy) {

  private static final Pattern FORM =
      Pattern.compile(
          "([0-9A-F]{36})-([0-9A-F]{36})__([0-9A-F]{16})(?:-([0-9A-F]{16}))?-v1(?:-([0-9a-f]{8}))?");

  /// The first of its keys and LSNs.
  public LayerName(LayerKind kind, KeyRange keys, LsnRange lsns) {
    this(kind, keys, lsns, 0);
  }

  public LayerName {
    if (kind == LayerKind.IMAGE && !lsns.equals(one(lsns.start()))) {
      throw new IllegalArgumentException("an image layer holds one LSN: " + lsns);
    }
  }

  public static LayerName delta(KeyRange keys, LsnRange lsns) {
    return new LayerName(LayerKind.DELTA, keys, lsns);
  }

  public static LayerName image(KeyRange keys, Lsn lsn) {
    return new LayerName(LayerKind.IMAGE, keys, one(lsn));
  }

  private static LsnRange one(Lsn lsn) {
    return new LsnRange(lsn, lsn.plus(1));
  }

  public LayerName withCopy(int newCopy) {
    return new LayerName(kind, keys, lsns, newCopy);
  }

  /// Reads what {@link #fileName()} writes.
  ///
  /// @return empty when `name` is not the name of a layer file
  public static Optional<LayerName> parse(String name) {
    Matcher parts = FORM.matcher(name);
    if (!parts.matches()) {
      return Optional.empty();
    }
    Key firstKey = Key.parse(parts.group(1));
    Key endKey = Key.parse(parts.group(2));
    Lsn firstLsn = new Lsn(Long.parseUnsignedLong(parts.group(3), 16));
    String endLsn = parts.group(4);
    if (firstKey.compareTo(endKey) >= 0 || firstLsn.equals(Lsn.MAX)) {
      return Optional.empty();
    }
    KeyRange keys = new KeyRange(firstKey, endKey);
    int copy = parts.group(5) == null ? 0 : Integer.parseUnsignedInt(parts.group(5), 16);
    if (endLsn == null) {
      return Optional.of(image(keys, firstLsn).withCopy(copy));
    }
    Lsn end = new Lsn(Long.parseUnsignedLong(endLsn, 16));
    return firstLsn.isBefore(end)
        ? Optional.of(delta(keys, new LsnRange(firstLsn, end)).withCopy(copy))
        : Optional.empty();
  }

  public String fileName() {
    String name = keys.start() + "-" + keys.end() + "__" + digits(lsns.start());
    String end = copy == 0 ? "-v1" : "-v1-" + HexFormat.of().toHexDigits(copy);
    return switch (kind) {
      case DELTA -> name + "-" + digits(lsns.end()) + end;
      case IMAGE -> name + end;
    };
  }

  private static String digits(Lsn lsn) {
    return HexFormat.of().withUpperCase().toHexDigits(lsn.value());
  }

  @Override
  public String toString() {
    return fileName();
  }
}
