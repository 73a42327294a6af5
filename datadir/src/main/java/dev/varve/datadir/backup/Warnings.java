package dev.varve.datadir.backup;

import java.util.ArrayList;
import java.util.List;

/// Sentences for people, up to a number of them.
final class Warnings {

  private static final int MAX = 100;

  private final List<String> sentences = new ArrayList<>();
  private long more;

  void add(String sentence) {
    if (sentences.size() < MAX) {
      sentences.add(sentence);
    } else {
      more++;
    }
  }

  List<String> all() {
    List<String> all = new ArrayList<>(sentences);
    if (more > 0) {
      all.add("and " + more + " warnings more");
    }
    return all;
  }
}
