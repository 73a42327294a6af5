package dev.varve.layer;

final class LayerFormat {
  static final int MOST_BYTES = 1 << 28;

  private LayerFormat() {}
}
