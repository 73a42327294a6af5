package dev.varve.layer;

final class KeyFilter {
  private KeyFilter() {}
}
