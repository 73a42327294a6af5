package dev.varve.postgres.backup;

import java.util.HexFormat;

/// The grammar of PostgreSQL's file names.
final class Names {

  private static final int LONGEST_NUMBER = 10;

  private Names() {}

  static boolean isUpperHex(String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (!HexFormat.isHexDigit(c) || Character.isLowerCase(c)) {
        return false;
      }
    }
    return !name.isEmpty();
  }

  /// An unsigned 32-bit number without leading zeroes, greater than 0; or 0 if it is none.
  static int number(String digits) {
    if (digits.isEmpty() || digits.length() > LONGEST_NUMBER || digits.charAt(0) == '0') {
      return 0;
    }
    for (int i = 0; i < digits.length(); i++) {
      if (digits.charAt(i) < '0' || digits.charAt(i) > '9') {
        return 0;
      }
    }
    long number = Long.parseLong(digits);
    return number > 0xFFFF_FFFFL ? 0 : (int) number;
  }
}
