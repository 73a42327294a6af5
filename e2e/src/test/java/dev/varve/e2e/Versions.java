package dev.varve.e2e;

import java.util.Arrays;
import java.util.List;

/// Which versions of PostgreSQL to test: all, or those that `-Dmajors=17,18` names.
final class Versions {

  private Versions() {}

  static List<Integer> all() {
    return Arrays.stream(System.getProperty("majors", "14,15,16,17,18").split(","))
        .map(Integer::valueOf)
        .toList();
  }
}
