package dev.varve.postgres.page;

import java.util.ArrayList;
import java.util.List;

/// The names of bits, the lowest first; an empty name is a bit that means nothing.
final class FlagNames {

  static final List<String> HEADER = List.of("has free lines", "page full", "all visible");

  static final List<String> INFOMASK =
      List.of(
          "has nulls",
          "has variable width",
          "has external",
          "has old oid",
          "xmax key share lock",
          "combo cid",
          "xmax exclusive lock",
          "xmax lock only",
          "xmin committed",
          "xmin invalid",
          "xmax committed",
          "xmax invalid",
          "xmax is multi",
          "updated",
          "moved off",
          "moved in");

  /// The low eleven bits are the number of columns.
  static final List<String> INFOMASK2 =
      List.of(
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "keys updated",
          "hot updated",
          "heap only");

  /// The low thirteen bits are the tuple's length.
  static final List<String> INDEX_INFO =
      List.of(
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "access method's own",
          "has variable width",
          "has nulls");

  static final List<String> BTREE =
      List.of(
          "leaf",
          "root",
          "deleted",
          "meta",
          "half dead",
          "split end",
          "has garbage",
          "incomplete split",
          "has full xid");

  static final List<String> HASH =
      List.of(
          "overflow",
          "bucket",
          "bitmap",
          "meta",
          "bucket being populated",
          "bucket being split",
          "bucket needs cleanup",
          "has dead tuples");

  static final List<String> GIST =
      List.of("leaf", "deleted", "tuples deleted", "follow right", "has garbage");

  static final List<String> GIN =
      List.of(
          "data",
          "leaf",
          "deleted",
          "meta",
          "list",
          "list full row",
          "incomplete split",
          "compressed");

  static final List<String> SPGIST = List.of("meta", "deleted", "leaf", "nulls");

  static final List<String> BLOOM = List.of("meta", "deleted");

  private FlagNames() {}

  /// The names of the bits that are set; a set bit without a name gives its hex value.
  static List<String> of(int flags, List<String> names) {
    List<String> set = new ArrayList<>();
    for (int bit = 0; bit < 16; bit++) {
      if ((flags >>> bit & 1) != 0) {
        if (bit >= names.size()) {
          set.add(Integer.toHexString(1 << bit));
        } else if (!names.get(bit).isEmpty()) {
          set.add(names.get(bit));
        }
      }
    }
    return List.copyOf(set);
  }
}
